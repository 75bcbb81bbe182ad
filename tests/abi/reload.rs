//! Loading and unloading: the module is used again and again in one process, and leaves nothing behind in it.

use crate::common::*;
use std::sync::mpsc;

/// Calls a 2.40 function of a module that is loaded at the moment.
macro_rules! call {
    ($module:expr, $function:ident($($argument:expr),* $(,)?)) => {
        answer(unsafe { ($module.list().$function.unwrap())($($argument),*) })
    };
}

/// Loads the module anew; the one of `module()` would stay loaded.
fn load() -> Module {
    Module::load(&Module::path())
}

/// Logs in, and makes and uses a key.
fn use_it(module: &Module, slot: CK_SLOT_ID) -> CK_SESSION_HANDLE {
    let session = module.open(slot, CKF_RW_SESSION).unwrap().0;
    let mut pin = USER_PIN.as_bytes().to_vec();
    match call!(module, C_Login(session, CKU_USER, pin.as_mut_ptr(), pin.len() as CK_ULONG)) {
        Ok(()) | Err(Rv(CKR_USER_ALREADY_LOGGED_IN)) => (),
        Err(other) => panic!("C_Login: {other:?}"),
    }
    let mut key = 0;
    let generate = Mechanism::plain(CKM_AES_KEY_GEN);
    keys::aes_template(32)
        .with_raw(|list, count| {
            call!(module, C_GenerateKey(session, generate.as_ptr(), list, count, &mut key))
        })
        .unwrap();
    let cmac = Mechanism::plain(CKM_AES_CMAC);
    let (mut data, mut mac, mut length) = ([1; 20], [0; 16], 16);
    call!(module, C_SignInit(session, cmac.as_ptr(), key)).unwrap();
    let sign = (data.as_mut_ptr(), data.len() as CK_ULONG, mac.as_mut_ptr());
    call!(module, C_Sign(session, sign.0, sign.1, sign.2, &mut length)).unwrap();
    assert_ne!(mac, [0; 16]);
    session
}

/// A token for a process that has not loaded the module: another one makes it.
fn token_made_elsewhere(process: &Process) -> Option<Folder> {
    if process.part().is_some() {
        module().initialize().unwrap();
        Token::add("reloaded");
        return None;
    }
    let folder = Folder::new();
    process.start("make", "").ends_well();
    Some(folder)
}

/// The token's slot.
const SLOT: CK_SLOT_ID = 0;

#[test]
fn it_can_be_loaded_again_after_it_was_unloaded() {
    isolated(|process| {
        let Some(_folder) = token_made_elsewhere(process) else { return };
        for _ in 0..5 {
            let module = load();
            module.initialize().unwrap();
            use_it(&module, SLOT);
            module.finalize().unwrap();
            module.unload();
        }
    });
}

#[test]
fn a_host_that_unloads_without_finalize_can_load_it_again() {
    isolated(|process| {
        let Some(_folder) = token_made_elsewhere(process) else { return };
        for _ in 0..5 {
            let module = load();
            // Whether it was really gone in between is the loader's business; it works on either way.
            match module.initialize() {
                Ok(()) | Err(Rv(CKR_CRYPTOKI_ALREADY_INITIALIZED)) => (),
                Err(other) => panic!("C_Initialize: {other:?}"),
            }
            use_it(&module, SLOT);
            module.unload();
        }
    });
}

#[test]
fn a_thread_may_outlive_the_module_it_has_used() {
    isolated(|process| {
        let Some(_folder) = token_made_elsewhere(process) else { return };
        for finalize in [true, false] {
            let module = load();
            let _ = module.initialize();
            let (used, wait_used) = mpsc::channel();
            let (unloaded, wait_unloaded) = mpsc::channel::<()>();
            std::thread::scope(|scope| {
                let thread = scope.spawn({
                    let module = &module;
                    move || {
                        use_it(module, SLOT);
                        // What the libraries keep for each thread is freed when it ends, after they have gone.
                        used.send(()).unwrap();
                        wait_unloaded.recv().unwrap();
                    }
                });
                wait_used.recv().unwrap();
                if finalize {
                    module.finalize().unwrap();
                }
                // The thread holds a reference and does not look at it again.
                unsafe { std::ptr::read(&module) }.unload();
                unloaded.send(()).unwrap();
                thread.join().unwrap();
            });
            std::mem::forget(module);
        }
        let module = load();
        let _ = module.initialize();
        use_it(&module, SLOT);
    });
}

/// Pages in memory.
fn pages() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse().unwrap()
}

/// What the process has open.
fn descriptors() -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap();
    let mut open: Vec<_> =
        entries.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok()).collect();
    open.retain(|path| !path.starts_with("/proc"));
    open.sort();
    open
}

#[test]
fn rounds_of_initialize_and_finalize_leave_no_memory_and_no_open_file() {
    isolated(|_| {
        let folder = Folder::new();
        let before = descriptors();
        let token = Token::new_in(folder);
        module().finalize().unwrap();
        let round = || {
            module().initialize().unwrap();
            use_it(module(), token.slot);
            let session = token.read_only();
            session.find(&template![]).unwrap();
            module().finalize().unwrap();
        };
        // The first rounds fill what is kept for the life of the process.
        (0..40).for_each(|_| round());
        let settled = pages();
        (0..200).for_each(|_| round());
        let now = pages();
        assert!(now <= settled + settled / 4, "grew from {settled} to {now} pages");
        assert_eq!(descriptors(), before);
    });
}

#[test]
fn a_process_that_never_finalizes_ends_well() {
    isolated(|process| match process.part() {
        None => {
            let token = Token::new();
            for how in ["returns", "exits", "leaves a thread inside"] {
                let mut part = process.start(how, &token.slot.to_string());
                assert_eq!(part.child().wait().unwrap().code(), Some(0), "{how}");
            }
            use_it(module(), token.slot);
        }
        Some((how, slot)) => {
            let slot = slot.parse().unwrap();
            module().initialize().unwrap();
            let session = use_it(module(), slot);
            let (inside, wait_inside) = mpsc::channel();
            match how.as_str() {
                "returns" => (),
                "exits" => unsafe { libc::exit(0) },
                _ => {
                    std::thread::spawn(move || {
                        loop {
                            Session(session).random(1000).unwrap();
                            let _ = inside.send(());
                        }
                    });
                    wait_inside.recv().unwrap();
                    unsafe { libc::exit(0) }
                }
            }
        }
    });
}
