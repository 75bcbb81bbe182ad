//! A module, loaded: its function list, of whichever version it has, and its answers.

use crate::Result;
use cryptoki_sys::*;
use libloading::Library;
use std::mem::{ManuallyDrop, size_of};
use std::path::Path;

/// A module that is initialised. It is never unloaded: modules leave things behind in their threads and in the process's exit.
pub struct Module {
    _library: ManuallyDrop<Library>,
    /// The list of the newest version that it has; what that version lacks is `None`.
    pub(super) list: CK_FUNCTION_LIST_3_2,
}

/// What a function answers that is not `CKR_OK` (PKCS#11 3.2, section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rv {
    /// The module has not got this function, this mechanism, this curve, or this kind of key.
    NotOffered(CK_RV),
    /// `CKR_USER_ALREADY_LOGGED_IN`: another session of this process was first.
    AlreadyLoggedIn,
    /// Any other.
    Failed(CK_RV),
}

impl Rv {
    /// Of a number.
    pub(super) fn answer(number: CK_RV) -> std::result::Result<(), Rv> {
        match number {
            CKR_OK => Ok(()),
            CKR_FUNCTION_NOT_SUPPORTED
            | CKR_MECHANISM_INVALID
            | CKR_MECHANISM_PARAM_INVALID
            | CKR_CURVE_NOT_SUPPORTED
            | CKR_KEY_TYPE_INCONSISTENT => Err(Rv::NotOffered(number)),
            CKR_USER_ALREADY_LOGGED_IN => Err(Rv::AlreadyLoggedIn),
            _ => Err(Rv::Failed(number)),
        }
    }

    /// What a function answers that is not in the list.
    pub(super) const MISSING: Rv = Rv::NotOffered(CKR_FUNCTION_NOT_SUPPORTED);
}

impl std::fmt::Display for Rv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Rv::NotOffered(number) => write!(f, "the module does not offer it (CK_RV {number:#x})"),
            Rv::AlreadyLoggedIn => write!(f, "the user is logged in already"),
            Rv::Failed(number) => write!(f, "the module answered CK_RV {number:#x}"),
        }
    }
}

impl std::error::Error for Rv {}

type GetFunctionList = unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV;
type GetInterface =
    unsafe extern "C" fn(*mut CK_UTF8CHAR, *mut CK_VERSION, *mut *mut CK_INTERFACE, CK_FLAGS) -> CK_RV;

/// Interfaces with more functions than 2.40 has, newest first: the version and its list's size in bytes.
const INTERFACES: [(CK_VERSION, usize); 2] = [
    (CK_VERSION { major: 3, minor: 2 }, size_of::<CK_FUNCTION_LIST_3_2>()),
    (CK_VERSION { major: 3, minor: 0 }, size_of::<CK_FUNCTION_LIST_3_0>()),
];

impl Module {
    /// Loads and initialises the module in `file`.
    pub fn open(file: &Path) -> Result<Module> {
        // SAFETY: whoever names a module wants its code run.
        let library = unsafe { Library::new(file) }?;
        let (list, size) = newest(&library)?;
        let mut own = CK_FUNCTION_LIST_3_2::default();
        // SAFETY: the list has `size` bytes, which is at most the size of the newest; each version's list begins as the one before it
        // (section 5.2), and functions that are not there stay `None`.
        unsafe { std::ptr::copy_nonoverlapping(list, (&raw mut own).cast::<u8>(), size) };
        let module = Module { _library: ManuallyDrop::new(library), list: own };
        module.initialize()?;
        Ok(module)
    }

    /// `C_Initialize`, with locks of the system.
    fn initialize(&self) -> std::result::Result<(), Rv> {
        let mut arguments = CK_C_INITIALIZE_ARGS { flags: CKF_OS_LOCKING_OK, ..Default::default() };
        let initialize = self.list.C_Initialize.ok_or(Rv::MISSING)?;
        // SAFETY: the arguments are as section 5.4 has them, and live until it returns.
        Rv::answer(unsafe { initialize((&raw mut arguments).cast()) })
    }
}

type VersionText = unsafe extern "C" fn(std::ffi::c_int) -> *const std::ffi::c_char;

impl Module {
    /// The manufacturer's name, the library's version, and the libcrypto that this process has loaded with it, if it is a library of its
    /// own.
    pub fn version(&self) -> std::result::Result<String, Rv> {
        let mut info = CK_INFO::default();
        let get = self.list.C_GetInfo.ok_or(Rv::MISSING)?;
        // SAFETY: it sets the structure that it is given.
        Rv::answer(unsafe { get(&mut info) })?;
        let (manufacturer, version) = (String::from_utf8_lossy(&info.manufacturerID), info.libraryVersion);
        let own = format!("{} {}.{}", manufacturer.trim_end(), version.major, version.minor);
        Ok(libcrypto().map_or(own.clone(), |libcrypto| format!("{own} with {libcrypto}")))
    }
}

/// What the libcrypto says of itself that is a file in this process's memory.
fn libcrypto() -> Option<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let file = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
    let file = file.into_iter().find(|file| file.contains("/libcrypto.so"))?;
    // SAFETY: it is loaded already, so nothing of it is run.
    let library = unsafe { Library::new(file) }.ok()?;
    // SAFETY: the type is that of libcrypto's function, and 0 asks it for a text that is a constant.
    let text = unsafe { std::ffi::CStr::from_ptr(library.get::<VersionText>(b"OpenSSL_version").ok()?(0)) };
    Some(text.to_string_lossy().into_owned())
}

/// The newest function list of the library, and its size in bytes.
fn newest(library: &Library) -> Result<(*const u8, usize)> {
    // SAFETY: the type is that which the standard gives the function of this name.
    if let Ok(get) = unsafe { library.get::<GetInterface>(b"C_GetInterface") } {
        for (mut version, size) in INTERFACES {
            let (mut name, mut interface) = (*b"PKCS 11\0", std::ptr::null_mut());
            // SAFETY: a name with its NUL, a version and a place for the answer, all alive until it returns.
            let answer = unsafe { get(name.as_mut_ptr(), &mut version, &mut interface, 0) };
            if answer == CKR_OK && !interface.is_null() {
                // SAFETY: a module that answers CKR_OK has set it to an interface of its own, which stays.
                return Ok((unsafe { (*interface).pFunctionList }.cast(), size));
            }
        }
    }
    let mut list = std::ptr::null_mut();
    // SAFETY: as above.
    let get = unsafe { library.get::<GetFunctionList>(b"C_GetFunctionList") }?;
    // SAFETY: it sets the place that it is given.
    Rv::answer(unsafe { get(&mut list) })?;
    match list.is_null() {
        false => Ok((list.cast_const().cast(), size_of::<CK_FUNCTION_LIST>())),
        true => Err("the module has no function list".into()),
    }
}
