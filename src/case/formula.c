/* Formulas of the case file, through the C interface of muParser. */
#include "mudot.h"

#include <muParserDLL.h>

#include <math.h>
#include <string.h>

#define MAX_LENGTH 4000

struct _p_MuFormula {
  muParserHandle_t parser;
  double x, y; /* bound to the parser's variables */
};

/* muParser calls this in place of throwing; errors are asked for with mupError(). */
static void ignore_error(muParserHandle_t parser) {
  (void)parser;
}

static double natural_logarithm(double x) {
  return log(x);
}

static double floored_remainder(double x, double y) {
  return x - y * floor(x / y);
}

static double choose(double condition, double yes, double no) {
  return condition != 0 ? yes : no;
}

static double logical_and(double x, double y) {
  return x != 0 && y != 0;
}

static double logical_or(double x, double y) {
  return x != 0 || y != 0;
}

static double logical_not(double x) {
  return x == 0;
}

/* What muParser does not have, with its precedences: "or" binds as ||, "and" as &&. "not" is a
   function, since a prefix of muParser would bind more than a comparison. */
static void define_words(muParserHandle_t parser) {
  enum { OR = 1, AND = 2 };
  mupDefineFun1(parser, "log", natural_logarithm, 1);
  mupDefineFun1(parser, "ln", natural_logarithm, 1);
  mupDefineFun1(parser, "floor", floor, 1);
  mupDefineFun1(parser, "ceil", ceil, 1);
  mupDefineFun1(parser, "erf", erf, 1);
  mupDefineFun1(parser, "not", logical_not, 1);
  mupDefineFun2(parser, "mod", floored_remainder, 1);
  mupDefineFun3(parser, "if", choose, 1);
  mupDefineOprt(parser, "or", logical_or, OR, muOPRT_ASCT_LEFT, 1);
  mupDefineOprt(parser, "and", logical_and, AND, muOPRT_ASCT_LEFT, 1);
}

static PetscErrorCode create_parser(MuFormula f) {
  PetscFunctionBegin;
  f->parser = mupCreate(muBASETYPE_FLOAT);
  if (!f->parser) SETERRQ(PETSC_COMM_SELF, PETSC_ERR_LIB, "muParser has no parser to give");
  mupSetErrorHandler(f->parser, ignore_error);
  define_words(f->parser);
  mupDefineConst(f->parser, "pi", PETSC_PI);
  mupDefineConst(f->parser, "e", exp(1.0));
  mupDefineVar(f->parser, "x", &f->x);
  mupDefineVar(f->parser, "y", &f->y);
  PetscFunctionReturn(0);
}

/* Position of an assignment, -1 without one: a = that is no part of ==, <=, >=, !=. */
static int find_assignment(const char *expression) {
  for (const char *c = expression; *c; ++c) {
    if (*c != '=') continue;
    if (c[1] == '=') {
      ++c;
      continue;
    }
    if (c == expression || !strchr("<>!", c[-1])) return (int)(c - expression);
  }
  return -1;
}

/* muParser's sentences end with a position of their own, counted from 0. */
static void cut_position(char *reason) {
  static const char *const ends[] = {" found at position ", " starting at position ",
                                     " at expression position ", " at position "};
  for (size_t k = 0; k < sizeof ends / sizeof *ends; ++k) {
    char *end = strstr(reason, ends[k]);
    if (end) *end = '\0';
  }
}

/* The parser's own message ends with a full stop and may be several sentences: the first is kept.
 */
static PetscErrorCode syntax_error(const char *key, const char *expression, MuFormula f) {
  char reason[200] = "";
  int position = mupGetErrorPos(f->parser);
  const char *text = mupGetErrorMsg(f->parser);
  size_t n = 0;

  if (text) strncpy(reason, text, sizeof reason - 1);
  n = strlen(reason);
  if (n > 0 && (reason[n - 1] == '.' || reason[n - 1] == '\n')) reason[n - 1] = '\0';
  cut_position(reason);
  if (position < 0 || position > (int)strlen(expression)) position = (int)strlen(expression);
  return MuError(MU_ERR_INPUT, "%s: \"%.200s\" is not a formula in x and y: position %d: %s", key,
                 expression, position + 1, reason);
}

static PetscErrorCode check_formula(const char *key, const char *expression, MuFormula f) {
  const int assignment = find_assignment(expression);
  int values = 0;

  PetscFunctionBegin;
  if (assignment >= 0)
    return MuError(MU_ERR_INPUT,
                   "%s: \"%.200s\" has an assignment at position %d; a formula has none (a "
                   "comparison is ==)",
                   key, expression, assignment + 1);
  mupSetExpr(f->parser, expression);
  (void)mupEvalMulti(f->parser, &values);
  if (mupError(f->parser)) return syntax_error(key, expression, f);
  if (values != 1)
    return MuError(MU_ERR_INPUT, "%s: \"%.200s\" has %d values; a formula has one", key, expression,
                   values);
  PetscFunctionReturn(0);
}

PetscErrorCode MuFormulaCreate(const char *key, const char *expression, MuFormula *formula) {
  MuFormula f;

  PetscFunctionBegin;
  *formula = NULL;
  if (!expression || strspn(expression, " \t\n") == strlen(expression))
    return MuError(MU_ERR_INPUT, "%s: the formula is empty; give an expression in x and y", key);
  if (strlen(expression) > MAX_LENGTH)
    return MuError(MU_ERR_INPUT, "%s: the formula has %zu characters; allowed are %d", key,
                   strlen(expression), MAX_LENGTH);
  PetscCall(PetscNew(&f));
  PetscCall(create_parser(f));
  PetscErrorCode failed = check_formula(key, expression, f);
  if (failed) {
    PetscCall(MuFormulaDestroy(&f));
    return failed;
  }
  *formula = f;
  PetscFunctionReturn(0);
}

PetscErrorCode MuFormulaDestroy(MuFormula *formula) {
  PetscFunctionBegin;
  if (!*formula) PetscFunctionReturn(0);
  if ((*formula)->parser) mupRelease((*formula)->parser);
  PetscCall(PetscFree(*formula));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFormulaCheckDimension(MuFormula f, const char *key, PetscInt dim) {
  const int variables = mupGetExprVarNum(f->parser);

  PetscFunctionBegin;
  for (int i = 0; i < variables && dim == 1; ++i) {
    const muChar_t *name;
    muFloat_t *value;
    mupGetExprVar(f->parser, (unsigned)i, &name, &value);
    if (strcmp(name, "y") == 0)
      return MuError(MU_ERR_INPUT, "%s: the formula uses y; a grid with one axis has x only", key);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuFormulaEvaluate(MuFormula f, const PetscReal x[2], PetscReal *value) {
  PetscFunctionBegin;
  f->x = x[0];
  f->y = x[1];
  *value = mupEval(f->parser);
  if (mupError(f->parser))
    return MuError(MU_ERR_INPUT, "a formula cannot be evaluated at (%g, %g): %s", x[0], x[1],
                   mupGetErrorMsg(f->parser));
  PetscFunctionReturn(0);
}

PetscErrorCode MuFormulaFunction(void *ctx, const PetscReal x[2], PetscReal *value) {
  return MuFormulaEvaluate(ctx, x, value);
}
