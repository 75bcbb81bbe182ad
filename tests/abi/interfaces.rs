//! What the library shows to its host: the standard's functions, by three ways, and nothing else.

use crate::common::functions::{IN_2_40, IN_3_0, NAMES};
use crate::common::*;
use std::ffi::CStr;
use std::ptr::null_mut;

/// The addresses in a function list of so many functions, and its version.
unsafe fn read_list(list: *const std::ffi::c_void, functions: usize) -> ((u8, u8), Vec<usize>) {
    let version = unsafe { *list.cast::<CK_VERSION>() };
    let first = unsafe { list.cast::<usize>().add(1) };
    let addresses = unsafe { std::slice::from_raw_parts(first, functions) }.to_vec();
    ((version.major, version.minor), addresses)
}

fn exported(names: &[&str]) -> Vec<usize> {
    let address = |name: &&str| module().symbol(name).unwrap_or_else(|| panic!("{name} is not exported"));
    names.iter().map(address).collect()
}

#[test]
fn nothing_is_exported_but_the_standards_functions() {
    isolated(|_| {
        let listing = std::process::Command::new("nm")
            .args(["-D", "--defined-only", "--format=posix"])
            .arg(Module::path())
            .output()
            .expect("nm of binutils");
        let text = String::from_utf8(listing.stdout).unwrap();
        let mut names: Vec<&str> = text.lines().map(|line| line.split([' ', '@']).next().unwrap()).collect();
        names.sort_unstable();
        let mut wanted = NAMES.to_vec();
        wanted.sort_unstable();
        assert_eq!(names, wanted);
    });
}

#[test]
fn the_2_40_list_holds_the_exported_functions() {
    isolated(|_| {
        let (version, addresses) = unsafe { read_list((&raw const *module().list()).cast(), IN_2_40) };
        assert_eq!(version, (2, 40));
        assert_eq!(addresses, exported(&NAMES[..IN_2_40]));
        assert_eq!(raw!(C_GetFunctionList(null_mut())), CKR_ARGUMENTS_BAD);
    });
}

#[test]
fn the_interface_list_has_one_interface_for_each_version() {
    isolated(|_| {
        let mut count = 0;
        assert_eq!(raw_3_2!(C_GetInterfaceList(null_mut(), &mut count)), CKR_OK);
        assert_eq!(raw_3_2!(C_GetInterfaceList(null_mut(), null_mut())), CKR_ARGUMENTS_BAD);
        let mut list = vec![CK_INTERFACE::default(); count as usize];
        let mut too_few = count - 1;
        assert_eq!(raw_3_2!(C_GetInterfaceList(list.as_mut_ptr(), &mut too_few)), CKR_BUFFER_TOO_SMALL);
        assert_eq!(too_few, count);
        assert_eq!(raw_3_2!(C_GetInterfaceList(list.as_mut_ptr(), &mut count)), CKR_OK);
        let mut versions = Vec::new();
        for interface in &list {
            let name = unsafe { CStr::from_ptr(interface.pInterfaceName.cast()) };
            assert_eq!(name, c"PKCS 11");
            let (version, _) = unsafe { read_list(interface.pFunctionList, 0) };
            let functions = match version {
                (2, 40) => IN_2_40,
                (3, 0) => IN_3_0,
                (3, 2) => NAMES.len(),
                other => panic!("an interface of version {other:?}"),
            };
            let (_, addresses) = unsafe { read_list(interface.pFunctionList, functions) };
            assert_eq!(addresses, exported(&NAMES[..functions]), "version {version:?}");
            versions.push(version);
        }
        versions.sort_unstable();
        assert_eq!(versions, [(2, 40), (3, 0), (3, 2)]);
    });
}

#[test]
fn an_interface_is_found_by_name_and_version() {
    isolated(|_| {
        let get = |name: Option<&CStr>, version: Option<(u8, u8)>, flags| {
            let mut version = version.map(|(major, minor)| CK_VERSION { major, minor });
            let version = version.as_mut().map_or(null_mut(), |version| &raw mut *version);
            let name = name.map_or(null_mut(), |name| name.as_ptr().cast_mut().cast());
            let mut found = null_mut();
            answer(raw_3_2!(C_GetInterface(name, version, &mut found, flags)))?;
            Ok::<_, Rv>(unsafe { read_list((*found).pFunctionList, 0) }.0)
        };
        let unknown = [CKR_FUNCTION_FAILED, CKR_ARGUMENTS_BAD];
        assert_eq!(get(None, None, 0), Ok((3, 2)), "the default is the newest");
        assert_eq!(get(Some(c"PKCS 11"), None, 0), Ok((3, 2)));
        for version in [(2, 40), (3, 0), (3, 2)] {
            assert_eq!(get(Some(c"PKCS 11"), Some(version), 0), Ok(version));
            assert_eq!(get(None, Some(version), 0), Ok(version));
        }
        get(Some(c"PKCS 11"), Some((9, 9)), 0).refused_by_one_of(&unknown);
        get(Some(c"Vendor of something else"), None, 0).refused_by_one_of(&unknown);
        get(None, None, 1 << 40).refused_by_one_of(&unknown);
        assert_eq!(raw_3_2!(C_GetInterface(null_mut(), null_mut(), null_mut(), 0)), CKR_ARGUMENTS_BAD);
    });
}
