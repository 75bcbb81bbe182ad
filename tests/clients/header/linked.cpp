// Linked with the module instead of loading it: calls the functions by their names, from C++.
//
//   linked <token label>

#include <cloister.h>
#include <cstdio>
#include <string>
#include <vector>

static bool must(const char *call, CK_RV rv)
{
    if (rv != CKR_OK)
        std::fprintf(stderr, "%s failed: CK_RV 0x%lx\n", call, rv);
    return rv == CKR_OK;
}

// The label of the token in a slot, without the blanks behind it.
static std::string label_of(CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    if (!must("C_GetTokenInfo", C_GetTokenInfo(slot, &info)))
        return "";
    std::string label(reinterpret_cast<const char *>(info.label), sizeof info.label);
    return label.substr(0, label.find_last_not_of(' ') + 1);
}

int main(int count, char **arguments)
{
    CK_ULONG slots_count = 0;
    CK_C_INITIALIZE_ARGS how = {};
    how.flags = CKF_OS_LOCKING_OK;
    if (count != 2 || !must("C_Initialize", C_Initialize(&how)))
        return 1;
    must("C_GetSlotList", C_GetSlotList(CK_TRUE, nullptr, &slots_count));
    std::vector<CK_SLOT_ID> slots(slots_count);
    must("C_GetSlotList", C_GetSlotList(CK_TRUE, slots.data(), &slots_count));
    for (CK_SLOT_ID slot : slots) {
        CK_SESSION_HANDLE session;
        if (label_of(slot) != arguments[1] ||
            !must("C_OpenSession", C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session)))
            continue;
        CK_MECHANISM sha256 = {CKM_SHA256, nullptr, 0};
        CK_BYTE data[] = {'a', 'b', 'c'}, digest[32];
        CK_ULONG size = sizeof digest;
        if (must("C_DigestInit", C_DigestInit(session, &sha256)) &&
            must("C_Digest", C_Digest(session, data, sizeof data, digest, &size)))
            std::printf("%02x%02x%02x%02x\n", digest[0], digest[1], digest[2], digest[3]);
    }
    return must("C_Finalize", C_Finalize(nullptr)) ? 0 : 1;
}
