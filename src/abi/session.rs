//! Session management functions, logins and PINs (PKCS#11 3.2, sections 5.5 and 5.6), and the legacy functions for
//! parallel execution (section 5.20).

use super::args::{Pointer, deliver, pin};
use crate::error::{Error, Result};
use crate::session::{Library, Session, UserType};
use cryptoki_sys as ck;
use cryptoki_sys::{CK_FLAGS, CK_ULONG};
use std::ffi::c_void;

/// `C_OpenSession`. Nothing is ever told to the application's callback, so it is not kept.
pub(super) fn open(
    library: &Library,
    slot: CK_ULONG,
    flags: CK_FLAGS,
    _application: Pointer<c_void>,
    _notify: ck::CK_NOTIFY,
    session: Pointer<CK_ULONG>,
) -> Result<()> {
    let session = session.required()?;
    if flags & ck::CKF_SERIAL_SESSION == 0 {
        return Err(Error::SessionParallelNotSupported);
    }
    if flags & ck::CKF_ASYNC_SESSION != 0 {
        return Err(Error::SessionAsyncNotSupported);
    }
    session.write(library.open_session(slot, flags & ck::CKF_RW_SESSION != 0)?)
}

/// `C_CloseSession`.
pub(super) fn close(library: &Library, session: CK_ULONG) -> Result<()> {
    library.close_session(session)
}

/// `C_CloseAllSessions`.
pub(super) fn close_all(library: &Library, slot: CK_ULONG) -> Result<()> {
    library.close_all_sessions(slot)
}

/// `C_GetSessionInfo`.
pub(super) fn info(session: &Session, info: Pointer<ck::CK_SESSION_INFO>) -> Result<()> {
    let info = info.required()?;
    let known = session.info()?;
    let read_write = if known.read_write { ck::CKF_RW_SESSION } else { 0 };
    info.write(ck::CK_SESSION_INFO {
        slotID: known.slot,
        state: known.state,
        flags: ck::CKF_SERIAL_SESSION | read_write,
        ulDeviceError: 0,
    })
}

/// `C_Login`.
pub(super) fn login(
    session: &Session,
    user: CK_ULONG,
    user_pin: Pointer<u8>,
    pin_length: CK_ULONG,
) -> Result<()> {
    session.login(user_type(user)?, pin(user_pin, pin_length)?)
}

/// `C_LoginUser`. No name means the role's default user.
pub(super) fn login_user(
    session: &Session,
    user: CK_ULONG,
    user_pin: Pointer<u8>,
    pin_length: CK_ULONG,
    name: Pointer<u8>,
    name_length: CK_ULONG,
) -> Result<()> {
    session.login_user(user_type(user)?, name.bytes(name_length)?, pin(user_pin, pin_length)?)
}

fn user_type(number: CK_ULONG) -> Result<UserType> {
    match number {
        ck::CKU_SO => Ok(UserType::Officer),
        ck::CKU_USER => Ok(UserType::User),
        ck::CKU_CONTEXT_SPECIFIC => Ok(UserType::ContextSpecific),
        _ => Err(Error::UserTypeInvalid),
    }
}

/// `C_Logout`.
pub(super) fn logout(session: &Session) -> Result<()> {
    session.logout()
}

/// `C_InitPIN`.
pub(super) fn init_pin(session: &Session, user_pin: Pointer<u8>, length: CK_ULONG) -> Result<()> {
    session.init_pin(pin(user_pin, length)?)
}

/// `C_SetPIN`.
pub(super) fn set_pin(
    session: &Session,
    old: Pointer<u8>,
    old_length: CK_ULONG,
    new: Pointer<u8>,
    new_length: CK_ULONG,
) -> Result<()> {
    session.set_pin(pin(old, old_length)?, pin(new, new_length)?)
}

/// `C_SessionCancel`.
pub(super) fn cancel(session: &Session, flags: CK_FLAGS) -> Result<()> {
    session.cancel_all(flags)
}

/// `C_GetOperationState`.
pub(super) fn operation_state(
    session: &Session,
    state: Pointer<u8>,
    state_length: Pointer<CK_ULONG>,
) -> Result<()> {
    deliver(state, state_length, |output| session.save_state(output))
}

/// `C_SetOperationState`.
pub(super) fn set_operation_state(
    session: &Session,
    state: Pointer<u8>,
    state_length: CK_ULONG,
    encryption_key: CK_ULONG,
    authentication_key: CK_ULONG,
) -> Result<()> {
    let has_key = [encryption_key, authentication_key] != [ck::CK_INVALID_HANDLE; 2];
    session.restore_state(state.bytes(state_length)?, has_key)
}

/// `C_GetSessionValidationFlags`: nobody has validated this module, so no operation was a validated one.
pub(super) fn validation_flags(_: &Session, kind: CK_ULONG, flags: Pointer<CK_FLAGS>) -> Result<()> {
    match kind {
        ck::CKS_LAST_VALIDATION_OK => flags.write(0),
        _ => Err(Error::ArgumentsBad),
    }
}

/// `C_AsyncComplete`: no session is asynchronous, so no function is under way.
pub(super) fn async_complete(
    _: &Session,
    function: Pointer<u8>,
    _result: Pointer<ck::CK_ASYNC_DATA>,
) -> Result<()> {
    function.required()?;
    Err(Error::OperationNotInitialized)
}

/// `C_AsyncGetID`: as `C_AsyncComplete`.
pub(super) fn async_id(_: &Session, function: Pointer<u8>, id: Pointer<CK_ULONG>) -> Result<()> {
    function.required()?;
    id.required()?;
    Err(Error::OperationNotInitialized)
}

/// `C_AsyncJoin`: there is nothing that an identifier could stand for.
pub(super) fn async_join(
    _: &Session,
    function: Pointer<u8>,
    _id: CK_ULONG,
    _data: Pointer<u8>,
    _data_length: CK_ULONG,
) -> Result<()> {
    function.required()?;
    Err(Error::SavedStateInvalid)
}

/// `C_GetFunctionStatus` and `C_CancelFunction`: nothing ever runs in parallel.
pub(super) fn not_parallel(_: &Session) -> Result<()> {
    Err(Error::FunctionNotParallel)
}
