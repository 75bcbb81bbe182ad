/*
 * Knows PKCS#11 from Cloister's own header alone: asks the module for its 3.2 functions, and seals and opens messages with nonces
 * that the module makes.
 *
 *   messages /path/to/libcloister.so <token label> <PIN>
 */

#include <cloister.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static CK_FUNCTION_LIST_3_2 *p11;

static void must(const char *call, CK_RV rv)
{
    if (rv != CKR_OK) {
        fprintf(stderr, "%s failed: CK_RV 0x%lx\n", call, rv);
        exit(1);
    }
}

static void load(const char *path)
{
    CK_C_GetInterface get_interface;
    CK_INTERFACE *interface = NULL;
    CK_VERSION version = {3, 2};
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    *(void **)&get_interface = dlsym(library, "C_GetInterface");
    must("C_GetInterface", get_interface((CK_UTF8CHAR *)"PKCS 11", &version, &interface, 0));
    p11 = (CK_FUNCTION_LIST_3_2 *)interface->pFunctionList;
}

static CK_SLOT_ID find_token(const char *label)
{
    CK_SLOT_ID slots[64];
    CK_ULONG count = sizeof slots / sizeof *slots, i;

    must("C_GetSlotList", p11->C_GetSlotList(CK_TRUE, slots, &count));
    for (i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        must("C_GetTokenInfo", p11->C_GetTokenInfo(slots[i], &info));
        if (memcmp(info.label, label, strlen(label)) == 0)
            return slots[i];
    }
    fprintf(stderr, "no token is called %s\n", label);
    exit(1);
}

int main(int count, char **arguments)
{
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    CK_ULONG length = 32, size;
    CK_MECHANISM make = {CKM_AES_KEY_GEN, NULL_PTR, 0}, seal = {CKM_AES_GCM, NULL_PTR, 0};
    CK_ATTRIBUTE attributes[] = {{CKA_VALUE_LEN, &length, sizeof length}};
    CK_BYTE nonce[12] = {0}, tag[16], first[12], header[] = "header", text[] = "text", sealed[sizeof text];
    CK_GCM_MESSAGE_PARAMS parameter = {nonce, sizeof nonce, 0, CKG_GENERATE, tag, sizeof tag * 8};

    if (count != 4)
        return 2;
    load(arguments[1]);
    must("C_Initialize", p11->C_Initialize(NULL_PTR));
    must("C_OpenSession", p11->C_OpenSession(find_token(arguments[2]), CKF_SERIAL_SESSION, NULL_PTR, 0, &session));
    must("C_Login", p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)arguments[3], strlen(arguments[3])));
    must("C_GenerateKey", p11->C_GenerateKey(session, &make, attributes, 1, &key));
    must("C_MessageEncryptInit", p11->C_MessageEncryptInit(session, &seal, key));
    must("C_MessageDecryptInit", p11->C_MessageDecryptInit(session, &seal, key));
    for (int round = 0; round < 2; round++) {
        size = sizeof sealed;
        memcpy(first, nonce, sizeof first);
        must("C_EncryptMessage", p11->C_EncryptMessage(session, &parameter, sizeof parameter, header, sizeof header,
                                                       text, sizeof text, sealed, &size));
        must("C_DecryptMessage", p11->C_DecryptMessage(session, &parameter, sizeof parameter, header, sizeof header,
                                                       sealed, sizeof sealed, sealed, &size));
        if (memcmp(first, nonce, sizeof first) == 0 || memcmp(sealed, text, sizeof text) != 0)
            return 1;
    }
    tag[0] ^= 1;
    if (p11->C_DecryptMessage(session, &parameter, sizeof parameter, header, sizeof header, sealed, sizeof sealed,
                              sealed, &size) != CKR_AEAD_DECRYPT_FAILED)
        return 1;
    must("C_MessageEncryptFinal", p11->C_MessageEncryptFinal(session));
    must("C_MessageDecryptFinal", p11->C_MessageDecryptFinal(session));
    must("C_Finalize", p11->C_Finalize(NULL_PTR));
    puts("two messages came back, a third was refused");
    return 0;
}
