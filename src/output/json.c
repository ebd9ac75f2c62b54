/* JSON inside HTML: RFC 8259, with <, >, & and the line separators of JavaScript escaped, so that
   no text can end the element that it stands in. Base64: RFC 4648. */
#include "output/json.h"

#include <stdint.h>

/* ------------------------------------------------------------------ texts */

/* Length of the well-formed UTF-8 sequence at s, 0 if there is none (overlong forms, surrogates
   and what lies beyond U+10FFFF are none); *code is its code point. */
static int decode(const unsigned char *s, uint32_t *code) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  int length = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
  if (s[0] > 0xF4) return 0;
  *code = length < 2 ? s[0] : s[0] & (0xFFu >> (length + 1));
  for (int k = 1; k < length; ++k) {
    if ((s[k] & 0xC0) != 0x80) return 0;
    *code = *code << 6 | (s[k] & 0x3Fu);
  }
  if (length && (*code < least[length] || *code > 0x10FFFF || (*code >> 11) == 0x1B)) return 0;
  return length;
}

static PetscBool must_escape(uint32_t code) {
  return (PetscBool)(code < 0x20 || code == '"' || code == '\\' || code == '<' || code == '>' ||
                     code == '&' || code == 0x7F || code == 0x2028 || code == 0x2029);
}

static void write_text(FILE *out, const char *text) {
  const unsigned char *s = (const unsigned char *)text;
  uint32_t code;

  fputc('"', out);
  while (*s) {
    int length = decode(s, &code);
    if (length == 0)
      fputs("\\uFFFD", out);
    else if (must_escape(code))
      fprintf(out, "\\u%04X", (unsigned)code);
    else
      fwrite(s, 1, (size_t)length, out);
    s += length ? length : 1;
  }
  fputc('"', out);
}

static void begin_value(MuJson *j, const char *name) {
  if (j->comma) fputs(",\n", j->out);
  if (name) {
    write_text(j->out, name);
    fputc(':', j->out);
  }
  j->comma = PETSC_TRUE;
}

void MuJsonBegin(MuJson *j, const char *name, char bracket) {
  begin_value(j, name);
  fputc(bracket, j->out);
  j->comma = PETSC_FALSE;
}

void MuJsonEnd(MuJson *j, char bracket) {
  fputc(bracket, j->out);
  j->comma = PETSC_TRUE;
}

void MuJsonText(MuJson *j, const char *name, const char *text) {
  begin_value(j, name);
  if (text)
    write_text(j->out, text);
  else
    fputs("null", j->out);
}

/* ------------------------------------------------------------------ numbers */

static void write_number(FILE *out, double value) {
  if (isnan(value))
    fputs("null", out);
  else if (isinf(value))
    fputs(value > 0 ? "1e999" : "-1e999", out);
  else
    fprintf(out, "%.9g", value);
}

void MuJsonNumber(MuJson *j, const char *name, double value) {
  begin_value(j, name);
  write_number(j->out, value);
}

void MuJsonInteger(MuJson *j, const char *name, long long value) {
  begin_value(j, name);
  fprintf(j->out, "%lld", value);
}

void MuJsonBool(MuJson *j, const char *name, PetscBool value) {
  begin_value(j, name);
  fputs(value ? "true" : "false", j->out);
}

void MuJsonNumbers(MuJson *j, const char *name, size_t n, const double *values) {
  begin_value(j, name);
  fputc('[', j->out);
  for (size_t i = 0; i < n; ++i) {
    if (i) fputc(',', j->out);
    write_number(j->out, values[i]);
  }
  fputc(']', j->out);
}

/* ------------------------------------------------------------------ base64 */

static void write_triple(FILE *out, const unsigned char b[3], int count) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unsigned bits = (unsigned)b[0] << 16 | (unsigned)b[1] << 8 | b[2];
  char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63], digits[bits >> 6 & 63],
                  digits[bits & 63]};
  for (int k = count + 1; k < 4; ++k) four[k] = '=';
  fwrite(four, 1, 4, out);
}

static void add_byte(MuJson *j, MuBase64 *code, unsigned char byte) {
  code->held[code->count++] = byte;
  if (code->count < 3) return;
  write_triple(j->out, code->held, 3);
  code->count = 0;
}

void MuJsonFloatsBegin(MuJson *j, const char *name, MuBase64 *code) {
  begin_value(j, name);
  fputc('"', j->out);
  code->count = 0;
}

void MuJsonFloatsPart(MuJson *j, MuBase64 *code, size_t n, const double *values) {
  for (size_t i = 0; i < n; ++i) {
    const float value =
        fabs(values[i]) > 3.4e38 ? (float)copysign(INFINITY, values[i]) : (float)values[i];
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (int k = 0; k < 4; ++k) add_byte(j, code, (unsigned char)(bits >> (8 * k)));
  }
}

void MuJsonBytesPart(MuJson *j, MuBase64 *code, size_t n, const unsigned char *bytes) {
  for (size_t i = 0; i < n; ++i) add_byte(j, code, bytes[i]);
}

void MuJsonFloatsEnd(MuJson *j, MuBase64 *code) {
  for (int k = code->count; k < 3; ++k) code->held[k] = 0;
  if (code->count) write_triple(j->out, code->held, code->count);
  fputc('"', j->out);
}

void MuJsonFloats(MuJson *j, const char *name, size_t n, const double *values) {
  MuBase64 code;
  MuJsonFloatsBegin(j, name, &code);
  MuJsonFloatsPart(j, &code, n, values);
  MuJsonFloatsEnd(j, &code);
}

void MuJsonBytes(MuJson *j, const char *name, size_t n, const unsigned char *bytes) {
  MuBase64 code;
  MuJsonFloatsBegin(j, name, &code);
  for (size_t i = 0; i < n; ++i) add_byte(j, &code, bytes[i]);
  MuJsonFloatsEnd(j, &code);
}
