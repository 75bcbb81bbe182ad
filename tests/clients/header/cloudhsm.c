/*
 * Written as for AWS CloudHSM's PKCS#11 library: the path of the library, a PIN of user and password, the first slot, and the mechanisms and
 * structures that only that library has.
 *
 *   cloudhsm /path/to/library.so <user>:<password>
 */

#include <cloister.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static CK_FUNCTION_LIST *p11;
static CK_SESSION_HANDLE session;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static void must(const char *call, CK_RV rv)
{
    if (rv != CKR_OK) {
        fprintf(stderr, "%s failed: CK_RV 0x%lx\n", call, rv);
        exit(1);
    }
}

static void log_in(const char *path, char *pin)
{
    CK_C_GetFunctionList get_list;
    CK_SLOT_ID slots[64];
    CK_ULONG count = sizeof slots / sizeof *slots;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    must("C_GetFunctionList", get_list(&p11));
    must("C_Initialize", p11->C_Initialize(NULL_PTR));
    must("C_GetSlotList", p11->C_GetSlotList(CK_TRUE, slots, &count));
    must("C_OpenSession", p11->C_OpenSession(slots[0], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL_PTR, 0, &session));
    must("C_Login", p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)));
}

static CK_OBJECT_HANDLE make_key(CK_ULONG length)
{
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL_PTR, 0};
    CK_ATTRIBUTE attributes[] = {
        {CKA_TOKEN, &no, sizeof no},          {CKA_EXTRACTABLE, &yes, sizeof yes},   {CKA_ENCRYPT, &yes, sizeof yes},
        {CKA_DECRYPT, &yes, sizeof yes},      {CKA_WRAP, &yes, sizeof yes},          {CKA_UNWRAP, &yes, sizeof yes},
        {CKA_DERIVE, &yes, sizeof yes},       {CKA_VALUE_LEN, &length, sizeof length},
    };
    CK_OBJECT_HANDLE key;

    must("C_GenerateKey",
         p11->C_GenerateKey(session, &mechanism, attributes, sizeof attributes / sizeof *attributes, &key));
    return key;
}

/* A block that tells two keys apart. */
static void mark(CK_OBJECT_HANDLE key, CK_BYTE *block)
{
    CK_MECHANISM mechanism = {CKM_AES_ECB, NULL_PTR, 0};
    CK_BYTE zeros[16] = {0};
    CK_ULONG size = 16;

    must("C_EncryptInit", p11->C_EncryptInit(session, &mechanism, key));
    must("C_Encrypt", p11->C_Encrypt(session, zeros, sizeof zeros, block, &size));
}

/* The nonce is the library's to make, and stands before the ciphertext. */
static int seals_and_opens(CK_OBJECT_HANDLE key)
{
    CK_GCM_PARAMS parameter = {NULL_PTR, 0, 0, (CK_BYTE *)"aad", 3, 128};
    CK_MECHANISM mechanism = {CKM_CLOUDHSM_AES_GCM, &parameter, sizeof parameter};
    CK_BYTE text[] = "text", sealed[12 + sizeof text + 16], opened[sizeof sealed];
    CK_ULONG sealed_size = sizeof sealed, size = sizeof opened;

    must("C_EncryptInit", p11->C_EncryptInit(session, &mechanism, key));
    must("C_Encrypt", p11->C_Encrypt(session, text, sizeof text, sealed, &sealed_size));
    must("C_DecryptInit", p11->C_DecryptInit(session, &mechanism, key));
    must("C_Decrypt", p11->C_Decrypt(session, sealed, sealed_size, opened, &size));
    return sealed_size == sizeof sealed && size == sizeof text && memcmp(opened, text, size) == 0;
}

static int wraps_and_unwraps(CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM mechanism = {type, NULL_PTR, 0};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE key_type = CKK_AES;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &key_type, sizeof key_type},
        {CKA_TOKEN, &no, sizeof no},       {CKA_ENCRYPT, &yes, sizeof yes},
    };
    CK_BYTE wrapped[64], before[16], after[16];
    CK_ULONG size = sizeof wrapped;
    CK_OBJECT_HANDLE back;

    must("C_WrapKey", p11->C_WrapKey(session, &mechanism, wrapping, key, wrapped, &size));
    must("C_UnwrapKey", p11->C_UnwrapKey(session, &mechanism, wrapping, wrapped, size, attributes, 4, &back));
    mark(key, before);
    mark(back, after);
    return memcmp(before, after, sizeof before) == 0;
}

static int derives(CK_OBJECT_HANDLE key)
{
    CK_ULONG width = 32, length = 32;
    struct {
        CK_ULONG method, bits;
    } total = {SP800_108_DKM_LENGTH_SUM_OF_KEYS, 32};
    CK_PRF_DATA_PARAM parts[] = {
        {SP800_108_COUNTER_FORMAT, &width, sizeof width},
        {SP800_108_PRF_LABEL, "label", 5},
        {SP800_108_PRF_CONTEXT, "context", 7},
        {SP800_108_DKM_FORMAT, &total, sizeof total},
    };
    CK_CLOUDHSM_SP800_108_KDF_PARAMS parameter = {CKM_SHA256_HMAC, 4, parts};
    CK_MECHANISM mechanism = {CKM_CLOUDHSM_SP800_108_COUNTER_KDF, &parameter, sizeof parameter};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE key_type = CKK_AES;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &class, sizeof class},      {CKA_KEY_TYPE, &key_type, sizeof key_type},
        {CKA_VALUE_LEN, &length, sizeof length}, {CKA_TOKEN, &no, sizeof no},
        {CKA_ENCRYPT, &yes, sizeof yes},
    };
    CK_BYTE blocks[2][16];

    for (int time = 0; time < 2; time++) {
        CK_OBJECT_HANDLE derived;
        must("C_DeriveKey", p11->C_DeriveKey(session, &mechanism, key, attributes, 5, &derived));
        mark(derived, blocks[time]);
    }
    return memcmp(blocks[0], blocks[1], sizeof blocks[0]) == 0;
}

int main(int count, char **arguments)
{
    const CK_MECHANISM_TYPE wraps[] = {CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD, CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD,
                                       CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD};
    CK_ATTRIBUTE guarded = {CKA_WRAP_WITH_TRUSTED, &yes, sizeof yes};
    CK_MECHANISM ordinary = {CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD, NULL_PTR, 0};
    CK_OBJECT_HANDLE wrapping, key;
    CK_BYTE wrapped[64];
    CK_ULONG size = sizeof wrapped;

    if (count != 3)
        return 2;
    log_in(arguments[1], arguments[2]);
    wrapping = make_key(32);
    key = make_key(16);
    if (!seals_and_opens(wrapping) || !derives(wrapping))
        return 1;
    for (int i = 0; i < 3; i++)
        if (!wraps_and_unwraps(wraps[i], wrapping, key))
            return 1;
    must("C_SetAttributeValue", p11->C_SetAttributeValue(session, key, &guarded, 1));
    if (p11->C_WrapKey(session, &ordinary, wrapping, key, wrapped, &size) != CKR_KEY_NOT_WRAPPABLE)
        return 1;
    must("C_Finalize", p11->C_Finalize(NULL_PTR));
    puts("all of CloudHSM's own mechanisms work");
    return 0;
}
