//! The module, loaded as a shared library.

use super::*;
use libloading::Library;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The loaded module and its function lists.
pub struct Module {
    library: Library,
    list: *const CK_FUNCTION_LIST,
    list_3_2: *const CK_FUNCTION_LIST_3_2,
}

// The lists are constants of the library, which is never unloaded.
unsafe impl Send for Module {}
unsafe impl Sync for Module {}

/// The module of this process.
pub fn module() -> &'static Module {
    static MODULE: OnceLock<Module> = OnceLock::new();
    MODULE.get_or_init(|| Module::load(&Module::path()))
}

impl Module {
    /// Where it is: `CLOISTER_TEST_MODULE`, or beside the test's own executable, where cargo has just built it.
    pub fn path() -> PathBuf {
        if let Some(path) = std::env::var_os("CLOISTER_TEST_MODULE") {
            return path.into();
        }
        let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
        let places = [folder.join("libcloister.so"), folder.join("../libcloister.so")];
        match places.iter().find(|place| place.exists()) {
            Some(place) => place.clone(),
            None => panic!("{} is missing: run `cargo build` in the same profile first", places[1].display()),
        }
    }

    /// Loads the library at `path`.
    pub fn load(path: &std::path::Path) -> Module {
        let library = unsafe { Library::new(path) }.unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        let mut list = std::ptr::null_mut();
        let get: unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV =
            unsafe { *library.get(b"C_GetFunctionList").unwrap() };
        assert_eq!(answer(unsafe { get(&mut list) }), Ok(()));
        let list_3_2 = interface(&library, (3, 2));
        Module { library, list, list_3_2: list_3_2.cast() }
    }

    /// The 2.40 functions.
    pub fn list(&self) -> &CK_FUNCTION_LIST {
        unsafe { &*self.list }
    }

    /// The 3.2 functions.
    pub fn list_3_2(&self) -> &CK_FUNCTION_LIST_3_2 {
        assert!(!self.list_3_2.is_null(), "the module has no 3.2 interface");
        unsafe { &*self.list_3_2 }
    }

    /// The address behind an exported name.
    pub fn symbol(&self, name: &str) -> Option<usize> {
        let symbol = unsafe { self.library.get::<unsafe extern "C" fn()>(name.as_bytes()) };
        symbol.ok().map(|function| *function as usize)
    }

    /// Unloads the library, as a host program does that is done with it.
    pub fn unload(self) {
        self.library.close().unwrap();
    }

    /// `C_Initialize` as nearly all programs call it.
    pub fn initialize(&self) -> Answer<()> {
        let mut arguments = CK_C_INITIALIZE_ARGS { flags: CKF_OS_LOCKING_OK, ..Default::default() };
        self.initialize_with(&mut arguments)
    }

    /// `C_Initialize`.
    pub fn initialize_with(&self, arguments: &mut CK_C_INITIALIZE_ARGS) -> Answer<()> {
        answer(note("C_Initialize", unsafe {
            self.list().C_Initialize.unwrap()((&raw mut *arguments).cast())
        }))
    }

    /// `C_Finalize`.
    pub fn finalize(&self) -> Answer<()> {
        answer(note("C_Finalize", unsafe { self.list().C_Finalize.unwrap()(std::ptr::null_mut()) }))
    }

    /// `C_GetSlotList`.
    pub fn slots(&self, with_token: bool) -> Answer<Vec<CK_SLOT_ID>> {
        let get = self.list().C_GetSlotList.unwrap();
        let mut count = 0;
        answer(note("C_GetSlotList", unsafe { get(with_token.into(), std::ptr::null_mut(), &mut count) }))?;
        let mut slots = vec![0; count as usize];
        answer(note("C_GetSlotList", unsafe { get(with_token.into(), slots.as_mut_ptr(), &mut count) }))?;
        slots.truncate(count as usize);
        Ok(slots)
    }

    /// `C_GetTokenInfo`.
    pub fn token_info(&self, slot: CK_SLOT_ID) -> Answer<CK_TOKEN_INFO> {
        let mut info = CK_TOKEN_INFO::default();
        answer(note("C_GetTokenInfo", unsafe { self.list().C_GetTokenInfo.unwrap()(slot, &mut info) }))?;
        Ok(info)
    }

    /// `C_InitToken`.
    pub fn init_token(&self, slot: CK_SLOT_ID, pin: &str, label: &str) -> Answer<()> {
        let mut padded = format!("{label:<32}").into_bytes();
        let mut pin = pin.as_bytes().to_vec();
        let init = self.list().C_InitToken.unwrap();
        answer(note("C_InitToken", unsafe {
            init(slot, pin.as_mut_ptr(), pin.len() as CK_ULONG, padded.as_mut_ptr())
        }))
    }

    /// `C_OpenSession`, with `CKF_SERIAL_SESSION` added.
    pub fn open(&self, slot: CK_SLOT_ID, flags: CK_FLAGS) -> Answer<Session> {
        let mut session = 0;
        let open = self.list().C_OpenSession.unwrap();
        answer(note("C_OpenSession", unsafe {
            open(slot, flags | CKF_SERIAL_SESSION, std::ptr::null_mut(), None, &mut session)
        }))?;
        Ok(Session(session))
    }

    /// `C_GetMechanismList`.
    pub fn mechanisms(&self, slot: CK_SLOT_ID) -> Answer<Vec<CK_MECHANISM_TYPE>> {
        let get = self.list().C_GetMechanismList.unwrap();
        let mut count = 0;
        answer(note("C_GetMechanismList", unsafe { get(slot, std::ptr::null_mut(), &mut count) }))?;
        let mut list = vec![0; count as usize];
        answer(note("C_GetMechanismList", unsafe { get(slot, list.as_mut_ptr(), &mut count) }))?;
        list.truncate(count as usize);
        Ok(list)
    }

    /// `C_GetMechanismInfo`.
    pub fn mechanism_info(&self, slot: CK_SLOT_ID, id: CK_MECHANISM_TYPE) -> Answer<CK_MECHANISM_INFO> {
        let mut info = CK_MECHANISM_INFO::default();
        answer(note("C_GetMechanismInfo", unsafe {
            self.list().C_GetMechanismInfo.unwrap()(slot, id, &mut info)
        }))?;
        Ok(info)
    }
}

/// The function list of "PKCS 11" in that version; NULL if there is none.
fn interface(library: &Library, (major, minor): (u8, u8)) -> *const std::ffi::c_void {
    type Get = unsafe extern "C" fn(*mut u8, *mut CK_VERSION, *mut *mut CK_INTERFACE, CK_FLAGS) -> CK_RV;
    let Ok(get) = (unsafe { library.get::<Get>(b"C_GetInterface") }) else {
        return std::ptr::null();
    };
    let mut version = CK_VERSION { major, minor };
    let mut found = std::ptr::null_mut();
    let name = c"PKCS 11".as_ptr().cast_mut().cast();
    match unsafe { get(name, &mut version, &mut found, 0) } {
        CKR_OK => unsafe { (*found).pFunctionList },
        _ => std::ptr::null(),
    }
}

/// Runs a function with the length protocol: asks for the size, then fetches the bytes.
pub fn output(call: impl Fn(*mut u8, *mut CK_ULONG) -> CK_RV) -> Answer<Vec<u8>> {
    let mut length = 0;
    answer(call(std::ptr::null_mut(), &mut length))?;
    // One byte more than needed: a NULL-like pointer of an empty vector would ask for the size again.
    let mut bytes = vec![0xEE; length as usize + 1];
    let asked = length;
    answer(call(bytes.as_mut_ptr(), &mut length))?;
    assert!(length <= asked, "{length} bytes written where {asked} were announced");
    assert_eq!(bytes[asked as usize], 0xEE, "written past the announced end");
    bytes.truncate(length as usize);
    Ok(bytes)
}

/// Notes that a function has given an answer, for `tests/abi/check-answers`: in the file that `CLOISTER_TEST_ANSWERS` names, if it
/// names one.
pub fn note(function: &str, rv: CK_RV) -> CK_RV {
    use std::io::{ErrorKind, Write};
    if let (Some(path), Some(name)) = (std::env::var_os("CLOISTER_TEST_ANSWERS"), name_of(rv)) {
        // Closed at once: tests count open files. One that has given up its rights can't write it.
        if let Ok(mut file) = std::fs::File::options().append(true).create(true).open(path) {
            let written = file.write_all(format!("{function} {name}\n").as_bytes());
            // One that has set itself a limit to files can't either.
            assert!(written.is_ok() || written.is_err_and(|error| error.kind() == ErrorKind::FileTooLarge));
        }
    }
    rv
}

/// Calls a 2.40 function with raw arguments; the `CK_RV` as it is.
macro_rules! raw {
    ($function:ident($($argument:expr),* $(,)?)) => {
        $crate::common::note(stringify!($function), unsafe {
            ($crate::common::module().list().$function.unwrap())($($argument),*)
        })
    };
}

/// Calls a 3.x function with raw arguments; the `CK_RV` as it is.
macro_rules! raw_3_2 {
    ($function:ident($($argument:expr),* $(,)?)) => {
        $crate::common::note(stringify!($function), unsafe {
            ($crate::common::module().list_3_2().$function.unwrap())($($argument),*)
        })
    };
}

/// Calls a 2.40 function; `Ok` or the refusal.
macro_rules! invoke {
    ($($call:tt)*) => { $crate::common::answer($crate::common::raw!($($call)*)) };
}

pub(crate) use {invoke, raw, raw_3_2};
