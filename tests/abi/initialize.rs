//! `C_Initialize` and `C_Finalize`: once each, in turn, and nothing in between without them.

use crate::common::functions::NAMES;
use crate::common::*;
use std::ffi::CString;
use std::ptr::null_mut;

/// Answers that a function may give before `C_Initialize`.
const NOT_YET: &[CK_RV] = &[CKR_CRYPTOKI_NOT_INITIALIZED];

fn arguments(flags: CK_FLAGS) -> CK_C_INITIALIZE_ARGS {
    CK_C_INITIALIZE_ARGS { flags, ..Default::default() }
}

unsafe extern "C" fn create_mutex(mutex: *mut *mut std::ffi::c_void) -> CK_RV {
    unsafe { *mutex = std::ptr::dangling_mut::<u64>().cast() };
    CKR_OK
}

unsafe extern "C" fn use_mutex(_: *mut std::ffi::c_void) -> CK_RV {
    CKR_OK
}

#[test]
fn a_second_initialize_and_a_second_finalize_are_refused() {
    isolated(|_| {
        let _folder = Folder::new();
        let module = module();
        module.finalize().refused(CKR_CRYPTOKI_NOT_INITIALIZED);
        assert_eq!(raw!(C_Initialize(null_mut())), CKR_OK);
        module.initialize().refused(CKR_CRYPTOKI_ALREADY_INITIALIZED);
        assert_eq!(raw!(C_Initialize(null_mut())), CKR_CRYPTOKI_ALREADY_INITIALIZED);
        module.slots(false).unwrap();
        module.finalize().unwrap();
        module.finalize().refused(CKR_CRYPTOKI_NOT_INITIALIZED);
    });
}

#[test]
fn no_function_works_before_initialize() {
    isolated(|_| {
        // In the machine's calling convention surplus arguments are not looked at.
        type Any = unsafe extern "C" fn(u64, u64, u64, u64, u64, u64, u64, u64, u64, u64) -> CK_RV;
        let needs_none = ["C_Initialize", "C_GetFunctionList", "C_GetInterfaceList", "C_GetInterface"];
        for name in NAMES.iter().filter(|name| !needs_none.contains(name)) {
            let address = module().symbol(name).unwrap_or_else(|| panic!("{name} is not exported"));
            let function: Any = unsafe { std::mem::transmute(address) };
            let rv = note(name, unsafe { function(0, 0, 0, 0, 0, 0, 0, 0, 0, 0) });
            let legacy = ["C_GetFunctionStatus", "C_CancelFunction"].contains(name);
            let expected = NOT_YET.contains(&rv)
                || rv == CKR_FUNCTION_NOT_SUPPORTED
                || (legacy && rv == CKR_FUNCTION_NOT_PARALLEL);
            assert!(expected, "{name} answers {:?}", Rv(rv));
        }
    });
}

#[test]
fn everything_is_forgotten_between_finalize_and_initialize_but_token_objects() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        session.create(&keys::data_template("kept")).unwrap();
        session.create(&keys::data_template("lost").and(&template![CKA_TOKEN => false])).unwrap();
        module().finalize().unwrap();
        session.info().refused(CKR_CRYPTOKI_NOT_INITIALIZED);
        module().initialize().unwrap();
        session.info().refused(CKR_SESSION_HANDLE_INVALID);
        let session = token.public();
        assert_eq!(session.info().unwrap().state, CKS_RW_PUBLIC_SESSION, "the login survived");
        assert_eq!(session.find(&template![CKA_LABEL => "kept"]).unwrap().len(), 1);
        assert_eq!(session.find(&template![CKA_LABEL => "lost"]).unwrap().len(), 0);
    });
}

#[test]
fn initialize_and_finalize_a_hundred_times() {
    isolated(|_| {
        let token = Token::new();
        for _ in 0..100 {
            module().finalize().unwrap();
            module().initialize().unwrap();
            token.user().random(16).unwrap();
        }
    });
}

#[test]
fn finalize_refuses_a_reserved_argument() {
    isolated(|_| {
        let _folder = Folder::new();
        module().initialize().unwrap();
        let mut something = 0u64;
        assert_eq!(raw!(C_Finalize((&raw mut something).cast())), CKR_ARGUMENTS_BAD);
        module().slots(false).unwrap();
    });
}

#[test]
fn mutex_functions_come_all_or_none() {
    isolated(|_| {
        let _folder = Folder::new();
        for given in 1..15 {
            let mut arguments = arguments(CKF_OS_LOCKING_OK);
            arguments.CreateMutex = (given & 1 != 0).then_some(create_mutex);
            arguments.DestroyMutex = (given & 2 != 0).then_some(use_mutex);
            arguments.LockMutex = (given & 4 != 0).then_some(use_mutex);
            arguments.UnlockMutex = (given & 8 != 0).then_some(use_mutex);
            module().initialize_with(&mut arguments).refused(CKR_ARGUMENTS_BAD);
        }
        for flags in [0, CKF_OS_LOCKING_OK, CKF_LIBRARY_CANT_CREATE_OS_THREADS] {
            let mut arguments = arguments(flags);
            arguments.CreateMutex = Some(create_mutex);
            arguments.DestroyMutex = Some(use_mutex);
            arguments.LockMutex = Some(use_mutex);
            arguments.UnlockMutex = Some(use_mutex);
            module().initialize_with(&mut arguments).unwrap();
            module().finalize().unwrap();
        }
    });
}

#[test]
fn all_flags_of_initialize_are_accepted() {
    isolated(|_| {
        let _folder = Folder::new();
        for flags in [0, 1, 2, 3] {
            module().initialize_with(&mut arguments(flags)).unwrap();
            module().finalize().unwrap();
        }
    });
}

#[test]
fn the_reserved_string_names_the_data_folder() {
    isolated(|_| {
        let elsewhere = tempfile::TempDir::new().unwrap();
        let _folder = Folder::new();
        let text = CString::new(format!("data_dir={}", elsewhere.path().join("data").display())).unwrap();
        let mut arguments = arguments(CKF_OS_LOCKING_OK);
        arguments.pReserved = text.as_ptr().cast_mut().cast();
        module().initialize_with(&mut arguments).unwrap();
        let slot = module().slots(true).unwrap()[0];
        module().init_token(slot, SO_PIN, "elsewhere").unwrap();
        module().finalize().unwrap();
        assert!(elsewhere.path().join("data").is_dir());

        module().initialize().unwrap();
        let made = |slot: &CK_SLOT_ID| module().token_info(*slot).unwrap().flags & CKF_TOKEN_INITIALIZED != 0;
        assert!(!module().slots(true).unwrap().iter().any(made), "the token of the other folder shows here");
        module().finalize().unwrap();

        let text = CString::new(format!("config={}", std::env::var("CLOISTER_CONF").unwrap())).unwrap();
        arguments.pReserved = text.as_ptr().cast_mut().cast();
        module().initialize_with(&mut arguments).unwrap();
    });
}

#[test]
fn a_reserved_string_that_says_nothing_is_refused_and_leaves_the_library_as_it_was() {
    isolated(|_| {
        let _folder = Folder::new();
        let long = "x".repeat(1 << 20);
        for text in ["nonsense", "=", "data_dir", "config=/nowhere/at/all.toml", "\u{1}\u{2}", &long] {
            let text = CString::new(text).unwrap();
            let mut arguments = arguments(CKF_OS_LOCKING_OK);
            arguments.pReserved = text.as_ptr().cast_mut().cast();
            module()
                .initialize_with(&mut arguments)
                .refused_by_one_of(&[CKR_ARGUMENTS_BAD, CKR_FUNCTION_FAILED]);
            module().slots(false).refused(CKR_CRYPTOKI_NOT_INITIALIZED);
        }
        module().initialize().unwrap();
    });
}

#[test]
fn of_threads_that_initialize_at_once_one_succeeds() {
    isolated(|_| {
        let _folder = Folder::new();
        for _ in 0..20 {
            let answers: Vec<_> = std::thread::scope(|scope| {
                let all: Vec<_> = (0..16).map(|_| scope.spawn(|| module().initialize())).collect();
                all.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
            for answer in answers.into_iter().filter(Result::is_err) {
                answer.refused(CKR_CRYPTOKI_ALREADY_INITIALIZED);
            }
            module().finalize().unwrap();
        }
    });
}

#[test]
fn get_info_describes_the_library() {
    isolated(|_| {
        let _folder = Folder::new();
        module().initialize().unwrap();
        let mut info = CK_INFO::default();
        assert_eq!(raw!(C_GetInfo(&mut info)), CKR_OK);
        assert_eq!((info.cryptokiVersion.major, info.cryptokiVersion.minor), (3, 2));
        assert_eq!(info.flags, 0);
        for text in [info.manufacturerID, info.libraryDescription] {
            let text = std::str::from_utf8(&text).unwrap();
            assert!(!text.contains('\0') && !text.trim().is_empty(), "{text:?} is not padded with blanks");
        }
        assert_eq!(raw!(C_GetInfo(null_mut())), CKR_ARGUMENTS_BAD);
    });
}

#[test]
fn the_functions_of_old_parallel_sessions_say_so() {
    isolated(|_| {
        let token = Token::new();
        let session = token.public();
        assert_eq!(raw!(C_GetFunctionStatus(session.0)), CKR_FUNCTION_NOT_PARALLEL);
        assert_eq!(raw!(C_CancelFunction(session.0)), CKR_FUNCTION_NOT_PARALLEL);
    });
}
