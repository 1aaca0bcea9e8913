/* SPDX-License-Identifier: MIT
 * Makes SoftHSM count wrong PINs as a card does: three in a row lock it, and its flags tell how few tries are
 * left. The count stands in the file LOCKING_COUNT, for the next process too. For tests alone. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANNOT 5UL            /* CKR_GENERAL_ERROR */
#define PIN_INCORRECT 0xA0UL  /* CKR_PIN_INCORRECT */
#define PIN_LOCKED 0xA4UL     /* CKR_PIN_LOCKED */
#define COUNT_LOW 0x10000UL   /* CKF_USER_PIN_COUNT_LOW */
#define FINAL_TRY 0x20000UL   /* CKF_USER_PIN_FINAL_TRY */
#define LOCKED 0x40000UL      /* CKF_USER_PIN_LOCKED */
#define FLAGS_AT 96           /* of CK_TOKEN_INFO: after four texts */
#define TRIES 3

/* CK_FUNCTION_LIST of PKCS #11 2.40: a version and 68 functions. */
enum { GET_TOKEN_INFO = 6, LOGIN = 18 };
typedef struct {
  unsigned char version[2];
  void *functions[68];
} FunctionList;

static unsigned long (*softhsm_token_info)(unsigned long, unsigned char *);
static unsigned long (*softhsm_login)(unsigned long, unsigned long, unsigned char *, unsigned long);

static int read_count(void) {
  int count = 0;
  FILE *file = fopen(getenv("LOCKING_COUNT"), "r");
  if (!file) return 0;
  if (fscanf(file, "%d", &count) != 1) count = 0;
  fclose(file);
  return count;
}

static void write_count(int count) {
  FILE *file = fopen(getenv("LOCKING_COUNT"), "w");
  if (!file) abort();
  fprintf(file, "%d", count);
  fclose(file);
}

static unsigned long token_info(unsigned long slot, unsigned char *info) {
  unsigned long result = softhsm_token_info(slot, info), flags;
  int count = read_count();
  if (result) return result;
  memcpy(&flags, info + FLAGS_AT, sizeof flags);
  flags &= ~(COUNT_LOW | FINAL_TRY | LOCKED);
  if (count > 0) flags |= COUNT_LOW;
  if (count == TRIES - 1) flags |= FINAL_TRY;
  if (count >= TRIES) flags |= LOCKED;
  memcpy(info + FLAGS_AT, &flags, sizeof flags);
  return 0;
}

static unsigned long login(unsigned long session, unsigned long user, unsigned char *pin, unsigned long length) {
  unsigned long result;
  if (read_count() >= TRIES) return PIN_LOCKED;
  result = softhsm_login(session, user, pin, length);
  if (result == 0) write_count(0);
  if (result == PIN_INCORRECT) write_count(read_count() + 1);
  return result;
}

unsigned long C_GetFunctionList(void **list) {
  static FunctionList ours;
  FunctionList *theirs = 0;
  unsigned long (*get)(FunctionList **);
  void *library = dlopen(getenv("LOCKING_MODULE"), RTLD_NOW);
  if (!library) return CANNOT;
  *(void **)&get = dlsym(library, "C_GetFunctionList");
  if (!get || get(&theirs)) return CANNOT;
  memcpy(&ours, theirs, sizeof ours);
  *(void **)&softhsm_token_info = ours.functions[GET_TOKEN_INFO];
  *(void **)&softhsm_login = ours.functions[LOGIN];
  ours.functions[GET_TOKEN_INFO] = (void *)token_info;
  ours.functions[LOGIN] = (void *)login;
  *list = &ours;
  return 0;
}
