//! SQLite's own file layer, but that the frames of a commit are written to the log in one piece.
//!
//! Nothing but the order of writes to the log is ours. Files are SQLite's own, with its locks; of each, only the functions named here are put before those that it has.
//! A write that waits is in the file before anybody can ask for it: this connection by reading, syncing or measuring the log, others by the index of the log, in which SQLite
//! enters a commit only after its last write has returned. One that fails is told from the write that ends the commit, as from SQLite's own.

mod frames;
#[cfg(test)]
mod tests;

use frames::Frames;
use once_cell::sync::OnceCell;
use rusqlite::ffi;
use std::cell::RefCell;
use std::ffi::{CStr, c_int, c_void};
use std::ptr::{NonNull, null_mut};
use std::rc::Rc;

/// Its name among SQLite's.
const NAME: &CStr = c"cloister";

/// SQLite's write lock among those of a log's index.
const WRITE_LOCK: c_int = 0;

/// The name to open databases with; `None` where it can't be registered, and SQLite's own has to do.
pub fn name() -> Option<&'static CStr> {
    static REGISTERED: OnceCell<bool> = OnceCell::new();
    REGISTERED.get_or_init(register).then_some(NAME)
}

/// Ours and the one below. SQLite knows the first field, and hands it back.
#[repr(C)]
struct Layer {
    ours: ffi::sqlite3_vfs,
    base: *mut ffi::sqlite3_vfs,
}

fn register() -> bool {
    // SAFETY: SQLite starts itself, and answers its own file layer, which stays for ever, or null.
    let Some(base) = NonNull::new(unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) }) else { return false };
    // SAFETY: as above; plain data. All but opening is the one below's own business, for which it needs nothing of us.
    let ours = ffi::sqlite3_vfs {
        zName: NAME.as_ptr(),
        pNext: null_mut(),
        xOpen: Some(open),
        ..unsafe { *base.as_ptr() }
    };
    let layer = Box::leak(Box::new(Layer { ours, base: base.as_ptr() }));
    // SAFETY: it stays for ever, and nothing of ours touches it any more.
    unsafe { ffi::sqlite3_vfs_register(&raw mut layer.ours, 0) == ffi::SQLITE_OK }
}

/// What an open file has besides. SQLite finds the functions by its first field, and these functions find the rest.
#[repr(C)]
struct State {
    /// The file's own functions, with ours in place of some.
    methods: ffi::sqlite3_io_methods,
    /// The file's own.
    base: *const ffi::sqlite3_io_methods,
    /// What waits: the same for a database and its log. A connection's files are used by one thread at a time.
    frames: Rc<RefCell<Frames>>,
}

/// Opens a file as the layer below does. A database and its log get functions of ours.
unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite hands back what was registered, the first field of a layer.
    let base = unsafe { (*vfs.cast::<Layer>()).base };
    // SAFETY: the layer below is SQLite's own, and gets what SQLite means for it.
    let answer =
        unsafe { (*base).xOpen.map_or(ffi::SQLITE_CANTOPEN, |open| open(base, name, file, flags, out)) };
    if answer != ffi::SQLITE_OK {
        return answer;
    }
    // SAFETY: it is open now, so it has functions.
    let base = unsafe { (*file).pMethods };
    // SAFETY: as above.
    let own = unsafe { *base };
    let (methods, frames) = match flags & (ffi::SQLITE_OPEN_MAIN_DB | ffi::SQLITE_OPEN_WAL) {
        ffi::SQLITE_OPEN_MAIN_DB => {
            // SAFETY: as above.
            let traits = own.xDeviceCharacteristics.map_or(0, |tell| unsafe { tell(file) });
            // Else SQLite fills commits up to the end of a sector, in pieces of which one may be taken for a header. Without the lock nothing waits.
            let may_wait = traits & ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE != 0;
            let lock = own.xShmLock.map(|own| if may_wait { lock } else { own });
            (ffi::sqlite3_io_methods { xClose: Some(close), xShmLock: lock, ..own }, Rc::default())
        }
        ffi::SQLITE_OPEN_WAL => {
            let methods = ffi::sqlite3_io_methods {
                xClose: Some(close),
                xRead: Some(read),
                xWrite: Some(write),
                xTruncate: Some(truncate),
                xSync: Some(sync),
                xFileSize: Some(size),
                ..own
            };
            // SAFETY: a log's name is one that SQLite made of its database's, which it has opened through this function before.
            let database = unsafe { state(ffi::sqlite3_database_file_object(name)) };
            (methods, database.frames.clone())
        }
        _ => return answer,
    };
    let state = Box::into_raw(Box::new(State { methods, base, frames }));
    // SAFETY: the functions stay where they are until the file is closed.
    unsafe { (*file).pMethods = state.cast() };
    answer
}

/// What a file has besides.
///
/// # Safety
/// [`open`] has opened it, as a database or a log, and it is not used once it is closed.
unsafe fn state<'a>(file: *mut ffi::sqlite3_file) -> &'a State {
    // SAFETY: then this is where its functions are.
    unsafe { &*(*file).pMethods.cast::<State>() }
}

/// Calls a file's own function.
macro_rules! below {
    ($file:expr, $function:ident($($argument:expr),*)) => {
        match (*state($file).base).$function {
            Some(function) => told(function($file, $($argument),*)),
            None => Err(ffi::SQLITE_IOERR),
        }
    };
}

/// An answer of SQLite's, as a result.
fn told(answer: c_int) -> Result<(), c_int> {
    if answer == ffi::SQLITE_OK { Ok(()) } else { Err(answer) }
}

/// A result, as an answer of SQLite's.
fn answer(result: Result<(), c_int>) -> c_int {
    result.err().unwrap_or(ffi::SQLITE_OK)
}

/// Writes to a file as the layer below does; never more than [`Frames`] has wait, or SQLite wants written.
///
/// # Safety
/// As for [`state`].
unsafe fn write_below(file: *mut ffi::sqlite3_file, offset: i64, bytes: &[u8]) -> Result<(), c_int> {
    let count = c_int::try_from(bytes.len()).map_err(|_| ffi::SQLITE_IOERR_WRITE)?;
    // SAFETY: the caller's promise, and the bytes are there meanwhile.
    unsafe { below!(file, xWrite(bytes.as_ptr().cast(), count, offset)) }
}

/// Writes what waits for a log.
///
/// # Safety
/// As for [`state`].
unsafe fn flush(file: *mut ffi::sqlite3_file) -> Result<(), c_int> {
    // SAFETY: the caller's promise.
    unsafe { state(file).frames.borrow_mut().flush(|offset, bytes| write_below(file, offset, bytes)) }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes once what `open` has opened, and this is what `open` has made for it.
    let state = unsafe { Box::from_raw((*file).pMethods.cast_mut().cast::<State>()) };
    // What waits was never committed.
    state.frames.borrow_mut().unlock();
    // SAFETY: from now on it is the layer below's alone.
    unsafe {
        (*file).pMethods = state.base;
        (*state.base).xClose.map_or(ffi::SQLITE_OK, |close| close(file))
    }
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    into: *mut c_void,
    count: c_int,
    offset: i64,
) -> c_int {
    let wanted = usize::try_from(count).unwrap_or(0);
    // SAFETY: SQLite reads from an open log, into so many bytes.
    unsafe {
        let below = |offset, bytes: &[u8]| write_below(file, offset, bytes);
        let flushed = state(file).frames.borrow_mut().flush_at(offset, wanted, below);
        answer(flushed.and_then(|()| below!(file, xRead(into, count, offset))))
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    count: c_int,
    offset: i64,
) -> c_int {
    let Ok(count) = usize::try_from(count) else { return ffi::SQLITE_IOERR_WRITE };
    // SAFETY: SQLite writes to an open log, so many bytes.
    unsafe {
        let piece = std::slice::from_raw_parts(from.cast::<u8>(), count);
        let below = |offset, bytes: &[u8]| write_below(file, offset, bytes);
        answer(state(file).frames.borrow_mut().write(offset, piece, below))
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    // SAFETY: SQLite has the log open.
    unsafe { answer(flush(file).and_then(|()| below!(file, xTruncate(size)))) }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: SQLite has the log open.
    unsafe { answer(flush(file).and_then(|()| below!(file, xSync(flags)))) }
}

unsafe extern "C" fn size(file: *mut ffi::sqlite3_file, into: *mut i64) -> c_int {
    // SAFETY: SQLite has the log open, and room for its size.
    unsafe { answer(flush(file).and_then(|()| below!(file, xFileSize(into)))) }
}

/// Takes or gives up locks of the log's index.
unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    let is_writers = first == WRITE_LOCK && flags & ffi::SQLITE_SHM_EXCLUSIVE != 0;
    // SAFETY: SQLite has the database open.
    unsafe {
        let frames = &state(file).frames;
        if is_writers && flags & ffi::SQLITE_SHM_UNLOCK != 0 {
            frames.borrow_mut().unlock();
        }
        let done = below!(file, xShmLock(first, count, flags));
        if is_writers && flags & ffi::SQLITE_SHM_LOCK != 0 && done.is_ok() {
            frames.borrow_mut().lock();
        }
        answer(done)
    }
}
