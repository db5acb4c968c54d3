//! The C side: a VFS that hands everything to the system's own, and asks a [`Disk`] first where a file lies on one.
//! <https://sqlite.org/c3ref/vfs.html>, <https://sqlite.org/c3ref/io_methods.html>

use crate::{Disk, Failure, disk::Verdict, image::Change};
use rusqlite::ffi::{
    SQLITE_ERROR, SQLITE_FULL, SQLITE_IOERR_DELETE, SQLITE_IOERR_FSYNC, SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_WRITE, SQLITE_OK, sqlite3_file,
    sqlite3_filename, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};
use std::{
    ffi::{CStr, OsStr, c_char, c_int, c_void},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    ptr,
    sync::{
        Once,
        atomic::{AtomicPtr, Ordering::SeqCst},
    },
};

/// The system's own VFS.
static REAL: AtomicPtr<sqlite3_vfs> = AtomicPtr::new(ptr::null_mut());

/// An open file on a [`Disk`]. The real one's memory begins where this ends.
#[repr(C)]
struct File {
    methods: *const sqlite3_io_methods,
    place: *mut Place,
}

struct Place {
    disk: Disk,
    path: PathBuf,
}

/// Makes this VFS the one that SQLite takes where none is named, for the whole process.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the default VFS lives as long as the process, and so does ours, which is leaked. Most of its functions are copied: those
        // of the unix VFS do not look at the VFS that they are given.
        unsafe {
            let real = sqlite3_vfs_find(ptr::null());
            REAL.store(real, SeqCst);
            let mut ours = *real;
            ours.zName = c"tenon-faults".as_ptr();
            ours.pNext = ptr::null_mut();
            ours.szOsFile += c_int::try_from(size_of::<File>()).unwrap_or(0);
            ours.xOpen = Some(open);
            ours.xDelete = Some(delete);
            sqlite3_vfs_register(Box::leak(Box::new(ours)), 1);
        }
    });
}

/// # Safety
/// `name` is null or a string of C.
unsafe fn path_of<'a>(name: *const c_char) -> Option<&'a Path> {
    // SAFETY: not null, and by the contract above a string.
    (!name.is_null()).then(|| Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes())))
}

unsafe extern "C" fn open(_: *mut sqlite3_vfs, name: sqlite3_filename, file: *mut sqlite3_file, flags: c_int, out: *mut c_int) -> c_int {
    let real = REAL.load(SeqCst);
    // SAFETY: SQLite gives `szOsFile` bytes for `file`, which is room for ours and the real one behind it, aligned for pointers. A file that
    // is on no disk of ours becomes the real VFS's own altogether.
    unsafe {
        let Some(open) = (*real).xOpen else { return SQLITE_ERROR };
        let Some((path, disk)) = path_of(name).and_then(|path| Disk::of(path).map(|disk| (path, disk))) else {
            return open(real, name, file, flags, out);
        };
        let ours = file.cast::<File>();
        (*ours).methods = ptr::null();
        disk.opens(path);
        let code = open(real, name, behind(file), flags, out);
        if code == SQLITE_OK {
            (*ours).place = Box::into_raw(Box::new(Place { disk, path: path.to_owned() }));
            (*ours).methods = &raw const METHODS;
        } else if let Some(close) = (*behind(file)).pMethods.as_ref().and_then(|methods| methods.xClose) {
            close(behind(file));
        }
        code
    }
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, sync_dir: c_int) -> c_int {
    let real = REAL.load(SeqCst);
    // SAFETY: what SQLite gave us goes on as it is.
    unsafe {
        let Some(delete) = (*real).xDelete else { return SQLITE_ERROR };
        let on_disk = path_of(name).and_then(|path| Disk::of(path).map(|disk| (path, disk)));
        if on_disk.as_ref().is_some_and(|(_, disk)| disk.is_dark()) {
            return SQLITE_IOERR_DELETE;
        }
        let code = delete(real, name, 0);
        if let (Some((path, disk)), SQLITE_OK) = (on_disk, code) {
            disk.removed(path, sync_dir != 0);
        }
        code
    }
}

/// # Safety
/// `file` was opened by [`open`] as one of ours.
unsafe fn behind(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: the memory goes on behind ours, see `install`.
    unsafe { file.cast::<File>().add(1).cast() }
}

/// # Safety
/// As for [`behind`].
unsafe fn place<'a>(file: *mut sqlite3_file) -> &'a Place {
    // SAFETY: set by `open`, freed by `close`, and SQLite uses no file after it was closed.
    unsafe { &*(*file.cast::<File>()).place }
}

/// Calls the real file's own method.
macro_rules! pass {
    ($file:expr, $method:ident $(, $arg:expr)*) => {{
        let real = behind($file);
        match (*(*real).pMethods).$method {
            Some(method) => method(real $(, $arg)*),
            None => SQLITE_ERROR,
        }
    }};
}

/// A method that changes nothing on the disk.
macro_rules! passing {
    ($($name:ident $method:ident ($($arg:ident: $kind:ty),*);)*) => {$(
        unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $arg: $kind)*) -> c_int {
            // SAFETY: our arguments are the real method's.
            unsafe { pass!(file, $method $(, $arg)*) }
        }
    )*};
}

passing! {
    read xRead(into: *mut c_void, amount: c_int, at: sqlite3_int64);
    file_size xFileSize(size: *mut sqlite3_int64);
    lock xLock(level: c_int);
    unlock xUnlock(level: c_int);
    check_reserved_lock xCheckReservedLock(out: *mut c_int);
    file_control xFileControl(op: c_int, arg: *mut c_void);
    sector_size xSectorSize();
    device_characteristics xDeviceCharacteristics();
    shm_map xShmMap(page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void);
    shm_lock xShmLock(at: c_int, n: c_int, flags: c_int);
    shm_unmap xShmUnmap(delete: c_int);
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    // SAFETY: as for the others.
    unsafe {
        let real = behind(file);
        if let Some(barrier) = (*(*real).pMethods).xShmBarrier {
            barrier(real);
        }
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once and uses it no more.
    unsafe {
        drop(Box::from_raw((*file.cast::<File>()).place));
        pass!(file, xClose)
    }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, amount: c_int, at: sqlite3_int64) -> c_int {
    let (Ok(length), Ok(place_at)) = (usize::try_from(amount), usize::try_from(at)) else { return SQLITE_IOERR_WRITE };
    // SAFETY: `from` has `amount` bytes.
    unsafe {
        let bytes = std::slice::from_raw_parts(from.cast::<u8>(), length).to_vec();
        let Place { disk, path } = place(file);
        let done = disk.change(path, Change::Write { at: place_at, bytes }, |change| match change {
            Change::Write { bytes, .. } => pass!(file, xWrite, bytes.as_ptr().cast(), c_int::try_from(bytes.len()).unwrap_or(0), at),
            Change::Truncate(_) | Change::Remove => SQLITE_ERROR,
        });
        code(done, SQLITE_IOERR_WRITE)
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    let Ok(length) = usize::try_from(size) else { return SQLITE_IOERR_TRUNCATE };
    // SAFETY: as for the others.
    unsafe {
        let Place { disk, path } = place(file);
        code(disk.change(path, Change::Truncate(length), |_| pass!(file, xTruncate, size)), SQLITE_IOERR_TRUNCATE)
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _: c_int) -> c_int {
    // SAFETY: as for the others.
    let Place { disk, path } = unsafe { place(file) };
    code(disk.sync(path).map(|()| SQLITE_OK), SQLITE_IOERR_FSYNC)
}

fn code(done: Result<c_int, Verdict>, broken: c_int) -> c_int {
    match done {
        Ok(code) => code,
        Err(Verdict::Fails(Failure::Full)) => SQLITE_FULL,
        Err(Verdict::Fails(Failure::Broken) | Verdict::Dark | Verdict::Good) => broken,
    }
}

/// Version 2: shared memory, and no reading through mapped memory.
static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
