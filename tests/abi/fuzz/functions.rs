//! What each function takes, in the terms of the fuzz run, and how often it is called.

use crate::common::functions::NAMES;
use cryptoki_sys::*;

/// One argument, or two or three that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Session,
    Object,
    Slot,
    /// Any number: flags, counts, user types.
    Number,
    User,
    /// Flags, mostly none.
    Flags,
    /// Flags of a message's part.
    MessageFlags,
    /// Flags of `C_OpenSession`.
    OpenFlags,
    /// Flags of `C_WaitForSlotEvent`, which must not wait.
    WaitFlags,
    MechanismType,
    Mechanism,
    /// The parameter of a message, and its length.
    Message,
    /// An array of attributes to be read, and how many.
    Template,
    /// An array of attributes to be filled, and how many.
    Query,
    /// Bytes to be read, and how many.
    Input,
    /// A buffer, and a pointer to its length.
    Output,
    /// A buffer to be filled, and its length.
    Fill,
    Pin,
    /// 32 bytes.
    Label,
    /// A text that ends with NUL.
    Text,
    /// A version to be read.
    Version,
    /// An array to be filled of elements of that size, and a pointer to how many.
    List(usize),
    /// An array of handles to be filled, how many, and a pointer to how many there were.
    Found,
    /// A structure of that size to be filled.
    Structure(usize),
    NewObject,
    NewSession,
    /// `CK_C_INITIALIZE_ARGS`.
    Arguments,
    /// A pointer that is nearly always NULL.
    Reserved,
    /// A function that is never called.
    Callback,
}

/// How often it is called in proportion to the others; its name; its arguments.
pub type Row = (u32, &'static str, &'static [Kind]);

use Kind::*;

const INFO: Kind = Structure(size_of::<CK_INFO>());
const SLOT_INFO: Kind = Structure(size_of::<CK_SLOT_INFO>());
const TOKEN_INFO: Kind = Structure(size_of::<CK_TOKEN_INFO>());
const MECHANISM_INFO: Kind = Structure(size_of::<CK_MECHANISM_INFO>());
const SESSION_INFO: Kind = Structure(size_of::<CK_SESSION_INFO>());
const ULONG: Kind = Structure(size_of::<CK_ULONG>());
const ASYNC_DATA: Kind = Structure(size_of::<CK_ASYNC_DATA>());
const BEGIN: &[Kind] = &[Session, Mechanism, Object];
const WHOLE: &[Kind] = &[Session, Input, Output];
const TAKE: &[Kind] = &[Session, Input];
const GIVE: &[Kind] = &[Session, Output];
const TAKE_TWO: &[Kind] = &[Session, Input, Input];
const SEALED: &[Kind] = &[Session, Message, Input];
const NEXT: &[Kind] = &[Session, Input, Input, Output];

#[rustfmt::skip]
pub const FUNCTIONS: &[Row] = &[
    (1, "C_Initialize", &[Arguments]), (1, "C_Finalize", &[Reserved]),
    (5, "C_GetInfo", &[INFO]), (5, "C_GetFunctionList", &[ULONG]),
    (5, "C_GetSlotList", &[Number, List(8)]), (5, "C_GetSlotInfo", &[Slot, SLOT_INFO]),
    (10, "C_GetTokenInfo", &[Slot, TOKEN_INFO]), (5, "C_GetMechanismList", &[Slot, List(8)]),
    (5, "C_GetMechanismInfo", &[Slot, MechanismType, MECHANISM_INFO]),
    (2, "C_InitToken", &[Slot, Pin, Label]), (5, "C_InitPIN", &[Session, Pin]),
    (5, "C_SetPIN", &[Session, Pin, Pin]),
    (10, "C_OpenSession", &[Slot, OpenFlags, Reserved, Callback, NewSession]),
    (6, "C_CloseSession", &[Session]), (1, "C_CloseAllSessions", &[Slot]),
    (5, "C_GetSessionInfo", &[Session, SESSION_INFO]), (5, "C_GetOperationState", GIVE),
    (5, "C_SetOperationState", &[Session, Input, Object, Object]),
    (15, "C_Login", &[Session, User, Pin]), (5, "C_Logout", &[Session]),
    (60, "C_CreateObject", &[Session, Template, NewObject]),
    (40, "C_CopyObject", &[Session, Object, Template, NewObject]),
    (15, "C_DestroyObject", &[Session, Object]), (20, "C_GetObjectSize", &[Session, Object, ULONG]),
    (120, "C_GetAttributeValue", &[Session, Object, Query]),
    (60, "C_SetAttributeValue", &[Session, Object, Template]),
    (30, "C_FindObjectsInit", &[Session, Template]), (60, "C_FindObjects", &[Session, Found]),
    (15, "C_FindObjectsFinal", &[Session]),
    (60, "C_EncryptInit", BEGIN), (60, "C_Encrypt", WHOLE),
    (50, "C_EncryptUpdate", WHOLE), (30, "C_EncryptFinal", GIVE),
    (60, "C_DecryptInit", BEGIN), (60, "C_Decrypt", WHOLE),
    (50, "C_DecryptUpdate", WHOLE), (30, "C_DecryptFinal", GIVE),
    (40, "C_DigestInit", &[Session, Mechanism]), (40, "C_Digest", WHOLE),
    (30, "C_DigestUpdate", TAKE), (20, "C_DigestKey", &[Session, Object]), (30, "C_DigestFinal", GIVE),
    (60, "C_SignInit", BEGIN), (60, "C_Sign", WHOLE), (30, "C_SignUpdate", TAKE), (30, "C_SignFinal", GIVE),
    (20, "C_SignRecoverInit", BEGIN), (20, "C_SignRecover", WHOLE),
    (60, "C_VerifyInit", BEGIN), (60, "C_Verify", TAKE_TWO),
    (30, "C_VerifyUpdate", TAKE), (30, "C_VerifyFinal", TAKE),
    (20, "C_VerifyRecoverInit", BEGIN), (20, "C_VerifyRecover", WHOLE),
    (20, "C_DigestEncryptUpdate", WHOLE), (20, "C_DecryptDigestUpdate", WHOLE),
    (20, "C_SignEncryptUpdate", WHOLE), (20, "C_DecryptVerifyUpdate", WHOLE),
    (60, "C_GenerateKey", &[Session, Mechanism, Template, NewObject]),
    (10, "C_GenerateKeyPair", &[Session, Mechanism, Template, Template, NewObject, NewObject]),
    (60, "C_WrapKey", &[Session, Mechanism, Object, Object, Output]),
    (60, "C_UnwrapKey", &[Session, Mechanism, Object, Input, Template, NewObject]),
    (60, "C_DeriveKey", &[Session, Mechanism, Object, Template, NewObject]),
    (5, "C_SeedRandom", TAKE), (15, "C_GenerateRandom", &[Session, Fill]),
    (2, "C_GetFunctionStatus", &[Session]), (2, "C_CancelFunction", &[Session]),
    (5, "C_WaitForSlotEvent", &[WaitFlags, ULONG, Reserved]),
    (5, "C_GetInterfaceList", &[List(size_of::<CK_INTERFACE>())]),
    (5, "C_GetInterface", &[Text, Version, ULONG, Flags]),
    (10, "C_LoginUser", &[Session, User, Pin, Pin]), (20, "C_SessionCancel", &[Session, Number]),
    (2, "C_MessageEncryptInit", BEGIN), (2, "C_EncryptMessage", &[Session, Message, Input, Input, Output]),
    (2, "C_EncryptMessageBegin", SEALED), (2, "C_EncryptMessageNext", &[Session, Message, Input, Output, MessageFlags]),
    (2, "C_MessageEncryptFinal", &[Session]),
    (2, "C_MessageDecryptInit", BEGIN), (2, "C_DecryptMessage", &[Session, Message, Input, Input, Output]),
    (2, "C_DecryptMessageBegin", SEALED), (2, "C_DecryptMessageNext", &[Session, Message, Input, Output, MessageFlags]),
    (2, "C_MessageDecryptFinal", &[Session]),
    (2, "C_MessageSignInit", BEGIN), (2, "C_SignMessage", NEXT),
    (2, "C_SignMessageBegin", TAKE), (2, "C_SignMessageNext", NEXT), (2, "C_MessageSignFinal", &[Session]),
    (2, "C_MessageVerifyInit", BEGIN), (2, "C_VerifyMessage", &[Session, Input, Input, Input]),
    (2, "C_VerifyMessageBegin", TAKE), (2, "C_VerifyMessageNext", &[Session, Input, Input, Input]),
    (2, "C_MessageVerifyFinal", &[Session]),
    (40, "C_EncapsulateKey", &[Session, Mechanism, Object, Template, Output, NewObject]),
    (40, "C_DecapsulateKey", &[Session, Mechanism, Object, Template, Input, NewObject]),
    (30, "C_VerifySignatureInit", &[Session, Mechanism, Object, Input]), (30, "C_VerifySignature", TAKE),
    (20, "C_VerifySignatureUpdate", TAKE), (20, "C_VerifySignatureFinal", &[Session]),
    (2, "C_GetSessionValidationFlags", &[Session, Number, ULONG]),
    (2, "C_AsyncComplete", &[Session, Text, ASYNC_DATA]), (2, "C_AsyncGetID", &[Session, Text, ULONG]),
    (2, "C_AsyncJoin", &[Session, Text, Number, Fill]),
    (2, "C_WrapKeyAuthenticated", &[Session, Mechanism, Object, Object, Input, Output]),
    (2, "C_UnwrapKeyAuthenticated", &[Session, Mechanism, Object, Input, Template, Input, NewObject]),
];

/// Whether there is a row for each function of the standard.
pub fn are_all() -> bool {
    NAMES.len() == FUNCTIONS.len() && NAMES.iter().all(|name| FUNCTIONS.iter().any(|row| row.1 == *name))
}
