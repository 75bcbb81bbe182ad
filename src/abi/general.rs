//! General-purpose functions (PKCS#11 3.2, section 5.4).

use super::args::{Pointer, list, padded};
use super::lifecycle::LIBRARY;
use super::table::{LIST_2_40, LIST_3_0, LIST_3_2};
use super::{foreign, fork, thread};
use crate::config::{Config, Problem};
use crate::error::{Error, Result};
use crate::session::Library;
use crate::{crypto, logging};
use cryptoki_sys as ck;
use cryptoki_sys::{CK_INTERFACE, CK_ULONG};
use std::ffi::c_void;

/// Who made this: token, slot and library alike.
pub(super) const MANUFACTURER: &str = "Cloister";

/// This version of the module, as far as two numbers go.
pub(super) const VERSION: ck::CK_VERSION = ck::CK_VERSION {
    major: number(env!("CARGO_PKG_VERSION_MAJOR")),
    minor: number(env!("CARGO_PKG_VERSION_MINOR")),
};

/// The name of all interfaces that the standard defines.
const INTERFACE_NAME: &[u8; 8] = b"PKCS 11\0";

/// `C_Initialize`.
pub(super) fn initialize(arguments: Pointer<c_void>) -> Result<()> {
    crypto::start();
    logging::start();
    fork::watch()?;
    let argument = initialize_argument(arguments.cast())?;
    LIBRARY.begin(|| {
        let config = configuration(argument.as_deref())?;
        logging::configure(&config);
        Library::new(config)
    })
}

/// Checks `CK_C_INITIALIZE_ARGS`; the answer is the string in `pReserved`, if there is one.
///
/// A caller's mutex functions are accepted and not used, also without `CKF_OS_LOCKING_OK`: the module's state is kept
/// by atomic operations and the system's locks, which exclude each other's threads just as well, and refusing
/// (`CKR_CANT_LOCK`) would turn such callers away for nothing. The module makes no threads, so
/// `CKF_LIBRARY_CANT_CREATE_OS_THREADS` asks for nothing.
fn initialize_argument(arguments: Pointer<ck::CK_C_INITIALIZE_ARGS>) -> Result<Option<String>> {
    if arguments.is_null() {
        return Ok(None);
    }
    let given = arguments.read()?;
    let known = ck::CKF_LIBRARY_CANT_CREATE_OS_THREADS | ck::CKF_OS_LOCKING_OK;
    let mutexes = [
        given.CreateMutex.is_some(),
        given.DestroyMutex.is_some(),
        given.LockMutex.is_some(),
        given.UnlockMutex.is_some(),
    ];
    if given.flags & !known != 0 || mutexes.iter().any(|there| *there != mutexes[0]) {
        return Err(Error::ArgumentsBad);
    }
    // SAFETY: `foreign::string` asks nothing of the memory.
    let reserved: Pointer<u8> = unsafe { Pointer::new(given.pReserved.cast()) };
    if reserved.is_null() { Ok(None) } else { foreign::string(reserved).map(Some) }
}

fn configuration(argument: Option<&str>) -> Result<Config> {
    let (config, error) = match argument {
        Some(argument) => (Config::from_argument(argument), Error::ArgumentsBad),
        None => (Config::load(), Error::FunctionFailed),
    };
    config.map_err(|Problem(text)| {
        log::error!("{text}");
        error
    })
}

/// `C_Finalize`.
pub(super) fn finalize(reserved: Pointer<c_void>) -> Result<()> {
    thread::with(|thread| LIBRARY.enter(thread).map(drop))?;
    if !reserved.is_null() {
        return Err(Error::ArgumentsBad);
    }
    LIBRARY.end(Library::close)
}

/// `C_GetInfo`.
pub(super) fn info(_: &Library, info: Pointer<ck::CK_INFO>) -> Result<()> {
    info.write(ck::CK_INFO {
        cryptokiVersion: LIST_3_2.version,
        manufacturerID: padded(MANUFACTURER),
        flags: 0,
        libraryDescription: padded("Cloister software HSM"),
        libraryVersion: VERSION,
    })
}

/// `C_GetFunctionList`.
pub(super) fn function_list(list: Pointer<*mut ck::CK_FUNCTION_LIST>) -> Result<()> {
    list.write((&raw const LIST_2_40).cast_mut())
}

/// `C_GetInterfaceList`.
pub(super) fn interface_list(interfaces: Pointer<CK_INTERFACE>, count: Pointer<CK_ULONG>) -> Result<()> {
    list(&INTERFACES.0, interfaces, count)
}

/// `C_GetInterface`: the first that has the name, the version and all the flags asked for; `ArgumentsBad` if there is
/// none.
pub(super) fn interface(
    name: Pointer<u8>,
    version: Pointer<ck::CK_VERSION>,
    interface: Pointer<*mut CK_INTERFACE>,
    flags: CK_ULONG,
) -> Result<()> {
    let version = if version.is_null() { None } else { Some(version.read()?) };
    if !name.is_null() && !is_interface_name(name)? {
        return Err(Error::ArgumentsBad);
    }
    let fits = |(one, has): &(&CK_INTERFACE, ck::CK_VERSION)| {
        version.is_none_or(|wanted| (wanted.major, wanted.minor) == (has.major, has.minor))
            && one.flags & flags == flags
    };
    let versions = [LIST_3_2.version, LIST_3_0.version, LIST_2_40.version];
    let (found, _) = INTERFACES.0.iter().zip(versions).find(fits).ok_or(Error::ArgumentsBad)?;
    interface.write((&raw const *found).cast_mut())
}

/// Reads no further than the name agrees, so never past its end.
fn is_interface_name(name: Pointer<u8>) -> Result<bool> {
    for (index, letter) in INTERFACE_NAME.iter().enumerate() {
        if name.at(index).read()? != *letter {
            return Ok(false);
        }
    }
    Ok(true)
}

struct Interfaces([CK_INTERFACE; 3]);

// SAFETY: only pointers to statics that nobody writes to.
unsafe impl Sync for Interfaces {}

/// The default first. None promises `CKF_INTERFACE_FORK_SAFE`: it would mean that a child goes on with its parent's
/// sessions and logins (section 3.6), while ours begins with `C_Initialize`.
static INTERFACES: Interfaces = Interfaces([
    standard_interface((&raw const LIST_3_2).cast()),
    standard_interface((&raw const LIST_3_0).cast()),
    standard_interface((&raw const LIST_2_40).cast()),
]);

const fn standard_interface(functions: *const c_void) -> CK_INTERFACE {
    CK_INTERFACE {
        pInterfaceName: INTERFACE_NAME.as_ptr().cast_mut(),
        pFunctionList: functions.cast_mut(),
        flags: 0,
    }
}

/// A number of one or more decimal digits.
const fn number(digits: &str) -> u8 {
    let digits = digits.as_bytes();
    let (mut value, mut at) = (0, 0);
    while at < digits.len() {
        value = value * 10 + (digits[at] - b'0');
        at += 1;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::null_mut;

    fn find(name: Option<&[u8]>, version: Option<(u8, u8)>, flags: CK_ULONG) -> Result<(u8, u8)> {
        let mut version = version.map(|(major, minor)| ck::CK_VERSION { major, minor });
        let mut found = null_mut();
        // SAFETY: NULL, a NUL-terminated name, a version, and room for the answer.
        let (name, version, place) = unsafe {
            (
                Pointer::new(name.map_or(null_mut(), |name| name.as_ptr().cast_mut())),
                Pointer::new(version.as_mut().map_or(null_mut(), |version| &raw mut *version)),
                Pointer::new(&raw mut found),
            )
        };
        interface(name, version, place, flags)?;
        // SAFETY: one of our static interfaces, whose list begins with its version.
        let has = unsafe { *(*found).pFunctionList.cast::<ck::CK_VERSION>() };
        Ok((has.major, has.minor))
    }

    #[test]
    fn the_default_interface_is_the_newest() {
        assert_eq!(find(None, None, 0), Ok((3, 2)));
        assert_eq!(find(Some(b"PKCS 11\0"), None, 0), Ok((3, 2)));
    }

    #[test]
    fn an_interface_is_found_by_its_version() {
        for version in [(3, 2), (3, 0), (2, 40)] {
            assert_eq!(find(Some(b"PKCS 11\0"), Some(version), 0), Ok(version));
            assert_eq!(find(None, Some(version), 0), Ok(version));
        }
        assert_eq!(find(None, Some((3, 7)), 0), Err(Error::ArgumentsBad));
    }

    #[test]
    fn no_other_name_and_no_promise_about_forks() {
        for name in [&b"PKCS 1\0"[..], b"PKCS 11 \0", b"Vendor X\0", b"\0"] {
            assert_eq!(find(Some(name), None, 0), Err(Error::ArgumentsBad), "{name:?}");
        }
        assert_eq!(find(None, None, ck::CKF_INTERFACE_FORK_SAFE), Err(Error::ArgumentsBad));
    }

    unsafe extern "C" fn lock(_: *mut c_void) -> ck::CK_RV {
        ck::CKR_OK
    }

    unsafe extern "C" fn create(_: *mut *mut c_void) -> ck::CK_RV {
        ck::CKR_OK
    }

    fn all_mutexes() -> ck::CK_C_INITIALIZE_ARGS {
        ck::CK_C_INITIALIZE_ARGS {
            CreateMutex: Some(create),
            DestroyMutex: Some(lock),
            LockMutex: Some(lock),
            UnlockMutex: Some(lock),
            ..Default::default()
        }
    }

    fn check(mut arguments: ck::CK_C_INITIALIZE_ARGS) -> Result<Option<String>> {
        // SAFETY: good for one value.
        initialize_argument(unsafe { Pointer::new(&raw mut arguments) })
    }

    #[test]
    fn mutex_functions_are_all_given_or_none() {
        assert_eq!(check(Default::default()), Ok(None));
        assert_eq!(check(all_mutexes()), Ok(None));
        assert_eq!(
            check(ck::CK_C_INITIALIZE_ARGS { flags: ck::CKF_OS_LOCKING_OK, ..all_mutexes() }),
            Ok(None)
        );
        for arguments in [
            ck::CK_C_INITIALIZE_ARGS { CreateMutex: None, ..all_mutexes() },
            ck::CK_C_INITIALIZE_ARGS { UnlockMutex: None, ..all_mutexes() },
            ck::CK_C_INITIALIZE_ARGS { LockMutex: Some(lock), ..Default::default() },
        ] {
            assert_eq!(check(arguments), Err(Error::ArgumentsBad), "{arguments:?}");
        }
    }

    #[test]
    fn unknown_flags_and_bad_reserved_pointers_are_refused() {
        let arguments = ck::CK_C_INITIALIZE_ARGS::default();
        assert_eq!(check(ck::CK_C_INITIALIZE_ARGS { flags: 3, ..arguments }), Ok(None));
        assert_eq!(check(ck::CK_C_INITIALIZE_ARGS { flags: 4, ..arguments }), Err(Error::ArgumentsBad));
        let wild = std::ptr::without_provenance_mut(8);
        assert_eq!(
            check(ck::CK_C_INITIALIZE_ARGS { pReserved: wild, ..arguments }),
            Err(Error::ArgumentsBad)
        );
        let mut text = *b"data_dir=/x\0";
        let reserved = text.as_mut_ptr().cast();
        assert_eq!(
            check(ck::CK_C_INITIALIZE_ARGS { pReserved: reserved, ..arguments }),
            Ok(Some("data_dir=/x".to_owned()))
        );
    }

    #[test]
    fn version_numbers_are_those_of_the_package() {
        assert_eq!((number("0"), number("7"), number("12")), (0, 7, 12));
    }
}
