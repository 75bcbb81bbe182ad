/*
 * Loads the module, makes a key pair in a token, signs with it and verifies.
 *
 *   cc -I../include -o sign sign.c -ldl
 *   ./sign /path/to/libcloister.so <token label> <PIN>
 */

#include <dlfcn.h>
#include <pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static CK_FUNCTION_LIST_PTR p11;

/* Ends the program unless the call was answered with CKR_OK. */
static void must(const char *call, CK_RV rv)
{
    if (rv != CKR_OK) {
        fprintf(stderr, "%s failed: CK_RV 0x%lx\n", call, rv);
        exit(1);
    }
}

#define MUST(function, ...) must(#function, p11->function(__VA_ARGS__))

/* Loads the module and gets its list of functions. */
static void load(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    CK_RV (*get_function_list)(CK_FUNCTION_LIST_PTR_PTR);
    *(void **)&get_function_list = dlsym(library, "C_GetFunctionList");
    if (get_function_list == NULL) {
        fprintf(stderr, "%s is no PKCS#11 module\n", path);
        exit(1);
    }
    must("C_GetFunctionList", get_function_list(&p11));
}

/* The slot whose token has this label. */
static CK_SLOT_ID find_token(const char *label)
{
    CK_SLOT_ID slots[64];
    CK_ULONG count = sizeof slots / sizeof *slots;
    unsigned char padded[32]; /* labels are filled up with blanks */

    if (strlen(label) > sizeof padded) {
        fprintf(stderr, "a token's label has at most 32 bytes\n");
        exit(1);
    }
    memset(padded, ' ', sizeof padded);
    memcpy(padded, label, strlen(label));
    MUST(C_GetSlotList, CK_TRUE, slots, &count);
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        MUST(C_GetTokenInfo, slots[i], &info);
        if (memcmp(info.label, padded, sizeof padded) == 0)
            return slots[i];
    }
    fprintf(stderr, "no token is called %s\n", label);
    exit(1);
}

/* Makes an RSA key pair that lives as long as the session. */
static void make_keys(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *public, CK_OBJECT_HANDLE *private)
{
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ULONG bits = 2048;
    CK_BYTE exponent[] = {1, 0, 1};
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE of_public[] = {
        {CKA_MODULUS_BITS, &bits, sizeof bits},
        {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent},
        {CKA_VERIFY, &yes, sizeof yes},
    };
    CK_ATTRIBUTE of_private[] = {
        {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_SIGN, &yes, sizeof yes},
    };

    MUST(C_GenerateKeyPair, session, &mechanism, of_public, sizeof of_public / sizeof *of_public, of_private,
         sizeof of_private / sizeof *of_private, public, private);
}

int main(int argc, char **argv)
{
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE public, private;
    CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS, NULL, 0};
    CK_BYTE message[] = "Signed from C.", signature[512];
    CK_ULONG length = sizeof signature;

    if (argc != 4) {
        fprintf(stderr, "usage: %s MODULE TOKEN PIN\n", argv[0]);
        return 2;
    }
    load(argv[1]);
    MUST(C_Initialize, NULL);
    MUST(C_OpenSession, find_token(argv[2]), CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
    MUST(C_Login, session, CKU_USER, (CK_UTF8CHAR_PTR)argv[3], strlen(argv[3]));

    make_keys(session, &public, &private);
    MUST(C_SignInit, session, &mechanism, private);
    MUST(C_Sign, session, message, sizeof message - 1, signature, &length);
    printf("signature of %lu bytes\n", length);

    MUST(C_VerifyInit, session, &mechanism, public);
    MUST(C_Verify, session, message, sizeof message - 1, signature, length);
    printf("verified\n");

    message[0] ^= 1;
    MUST(C_VerifyInit, session, &mechanism, public);
    if (p11->C_Verify(session, message, sizeof message - 1, signature, length) != CKR_SIGNATURE_INVALID) {
        fprintf(stderr, "a changed message was accepted\n");
        return 1;
    }
    printf("a changed message is refused\n");

    MUST(C_Finalize, NULL);
    return 0;
}
