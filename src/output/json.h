/* JSON that may stand inside a <script> element of a page. Private to output/ and
   the floors above. */
#ifndef MUDOT_JSON_H
#define MUDOT_JSON_H

#include "mudot.h"

typedef struct {
  FILE *out;
  PetscBool comma; /* a value stands before the next one */
} MuJson;

/* Every value inside an object has a name; inside an array, and at the top, the name is NULL. */
void MuJsonBegin(MuJson *j, const char *name, char bracket); /* '{' or '[' */
void MuJsonEnd(MuJson *j, char bracket);                     /* '}' or ']' */
/* UTF-8; what is not becomes U+FFFD. No character of HTML is left bare. text = NULL: null. */
void MuJsonText(MuJson *j, const char *name, const char *text);
/* %.9g; NaN is null, infinity 1e999, which JSON.parse() reads as Infinity. */
void MuJsonNumber(MuJson *j, const char *name, double value);
void MuJsonInteger(MuJson *j, const char *name, long long value);
void MuJsonBool(MuJson *j, const char *name, PetscBool value);
void MuJsonNumbers(MuJson *j, const char *name, size_t n, const double *values);
/* Base64 of IEEE single precision, little endian; larger numbers become infinite. */
void MuJsonFloats(MuJson *j, const char *name, size_t n, const double *values);
/* The same in parts: begin, any number of parts, end. */
typedef struct {
  unsigned char held[3];
  int count;
} MuBase64;
void MuJsonFloatsBegin(MuJson *j, const char *name, MuBase64 *code);
void MuJsonFloatsPart(MuJson *j, MuBase64 *code, size_t n, const double *values);
void MuJsonBytesPart(MuJson *j, MuBase64 *code, size_t n, const unsigned char *bytes);
void MuJsonFloatsEnd(MuJson *j, MuBase64 *code);
/* Base64 of bytes. */
void MuJsonBytes(MuJson *j, const char *name, size_t n, const unsigned char *bytes);

#endif
