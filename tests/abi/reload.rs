//! The library loaded, closed and loaded again, as hosts do with their plug-ins.

use crate::common::*;

#[test]
fn the_library_can_be_closed_and_loaded_again() {
    isolated(|_| {
        let _folder = Folder::new();
        for round in 0..10 {
            let loaded = Module::load(&Module::path());
            loaded.initialize().unwrap();
            if round == 0 {
                let slot = loaded.slots(true).unwrap()[0];
                loaded.init_token(slot, SO_PIN, "kept").unwrap();
            }
            assert!(loaded.token_info(loaded.slots(true).unwrap()[0]).unwrap().label.starts_with(b"kept"));
            loaded.finalize().unwrap();
            loaded.unload();
        }
    });
}

#[test]
fn the_library_can_be_closed_without_finalize() {
    isolated(|_| {
        let _folder = Folder::new();
        let loaded = Module::load(&Module::path());
        loaded.initialize().unwrap();
        let worker = std::thread::spawn({
            let slot = loaded.slots(true).unwrap()[0];
            loaded.init_token(slot, SO_PIN, "kept").unwrap();
            let session = loaded.open(slot, CKF_RW_SESSION).unwrap();
            // Leaves state of its own in the library's thread-local storage.
            move || session
        });
        worker.join().unwrap();
        loaded.unload();
        let again = Module::load(&Module::path());
        // Still mapped or a fresh copy: both are right, as long as it works.
        let refused = again.initialize();
        if refused.is_err() {
            refused.refused(CKR_CRYPTOKI_ALREADY_INITIALIZED);
        }
        again.slots(true).unwrap();
    });
}

#[test]
fn a_thread_may_outlive_the_library() {
    isolated(|_| {
        let _folder = Folder::new();
        let (used, wait_used) = std::sync::mpsc::channel();
        let (closed, wait_closed) = std::sync::mpsc::channel::<()>();
        let loaded = Module::load(&Module::path());
        loaded.initialize().unwrap();
        let slot = loaded.slots(true).unwrap()[0];
        loaded.init_token(slot, SO_PIN, "kept").unwrap();
        let random = loaded.list().C_GenerateRandom.unwrap();
        let session = loaded.open(slot, 0).unwrap();
        let thread = std::thread::spawn(move || {
            let mut bytes = [0; 8];
            assert_eq!(unsafe { random(session.0, bytes.as_mut_ptr(), 8) }, CKR_OK);
            used.send(()).unwrap();
            // Ends only when the library is closed: its thread-local destructors run then.
            wait_closed.recv().unwrap();
        });
        wait_used.recv().unwrap();
        loaded.finalize().unwrap();
        loaded.unload();
        closed.send(()).unwrap();
        thread.join().unwrap();
    });
}
