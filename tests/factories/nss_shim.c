/* SPDX-License-Identifier: MIT
 * Makes a PKCS #11 module out of NSS's softokn, which wants parameters when it is initialised: they are
 * taken from NSS_TOKEN_PARAMETERS. Everything else is softokn's own. For tests alone. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define CANNOT 5UL /* CKR_GENERAL_ERROR */
#define OS_LOCKING 2UL /* CKF_OS_LOCKING_OK */

/* CK_FUNCTION_LIST of PKCS #11 2.40: a version and 68 functions, C_Initialize first. */
typedef struct {
  unsigned char version[2];
  void *functions[68];
} FunctionList;

typedef struct {
  void *mutex_functions[4];
  unsigned long flags;
  const char *parameters;
  void *reserved;
} InitializeArguments;

static unsigned long (*initialize_softokn)(void *);

static unsigned long initialize(void *ignored) {
  InitializeArguments arguments = {{0}, OS_LOCKING, getenv("NSS_TOKEN_PARAMETERS"), 0};
  (void)ignored;
  return initialize_softokn(&arguments);
}

unsigned long C_GetFunctionList(void **list) {
  static FunctionList ours;
  FunctionList *theirs = 0;
  unsigned long (*get)(FunctionList **);
  void *library = dlopen("libsoftokn3.so", RTLD_NOW);
  if (!library) return CANNOT;
  *(void **)&get = dlsym(library, "C_GetFunctionList");
  if (!get || get(&theirs)) return CANNOT;
  memcpy(&ours, theirs, sizeof ours);
  *(void **)&initialize_softokn = ours.functions[0];
  ours.functions[0] = (void *)initialize;
  *list = &ours;
  return 0;
}
