//! The C headers: `pkcs11.h`, which is PKCS#11 3.2 from the tables of functions, types and constants, and `cloister.h`, which adds what
//! the standard does not have.

mod constant;
mod constants;
mod structure;
#[cfg(test)]
mod tests;
mod types;
mod vendor;

use cloister::abi::table::{FUNCTIONS, Function};
use constants::GROUPS;
use std::fmt::Write;
use structure::declaration;
use types::{ALIASES, POINTERS, POINTERS_TO_POINTERS, STRUCTURES};
pub use vendor::cloister_h;

/// Every mechanism of the standard.
#[cfg(test)]
pub fn mechanisms() -> impl Iterator<Item = &'static constant::Constant> {
    GROUPS.iter().flat_map(|group| group.constants).filter(|constant| constant.name.starts_with("CKM_"))
}

/// The lists of functions, and the versions whose functions are in each.
const LISTS: &[(&str, &[&str])] = &[
    ("CK_FUNCTION_LIST", &["2.40"]),
    ("CK_FUNCTION_LIST_3_0", &["2.40", "3.0"]),
    ("CK_FUNCTION_LIST_3_2", &["2.40", "3.0", "3.2"]),
];

/// Parameters that are named in the table as C++ names something else.
const KEYWORDS: &[(&str, &str)] = &[("new", "new_pin"), ("old", "old_pin"), ("template", "attributes")];

const BEGINNING: &str = "\
/*
 * pkcs11.h: PKCS#11 3.2 for C and C++.
 *
 * Written by `cloister header pkcs11` from the tables that make the module; a test compares each size, offset and value
 * with those the module is compiled with. Structures are laid out as the platform's C compiler does it, as everywhere but on Windows.
 *
 * A program may load the module with dlopen and ask C_GetFunctionList or C_GetInterface for its functions, or be
 * linked with it and call them by their names.
 */
#ifndef PKCS11_H
#define PKCS11_H 1

#ifdef __cplusplus
extern \"C\" {
#endif

/* Names that older programs use for plain C. */
#ifndef NULL_PTR
#define NULL_PTR 0
#endif
#ifndef CK_PTR
#define CK_PTR *
#endif
";

const BASIC_TYPES: &str = "
/* The types that all others are made of. */
typedef unsigned char CK_BYTE;
typedef unsigned char CK_CHAR;
typedef unsigned char CK_UTF8CHAR;
typedef unsigned char CK_BBOOL;
typedef unsigned long CK_ULONG;
typedef long CK_LONG;
typedef void *CK_VOID_PTR;
typedef CK_VOID_PTR *CK_VOID_PTR_PTR;
";

const CALLBACKS: &str = "
/* Functions of the application. */
typedef CK_RV (*CK_NOTIFY)(CK_SESSION_HANDLE session, CK_NOTIFICATION event, void *application);
typedef CK_RV (*CK_CREATEMUTEX)(void **mutex);
typedef CK_RV (*CK_DESTROYMUTEX)(void *mutex);
typedef CK_RV (*CK_LOCKMUTEX)(void *mutex);
typedef CK_RV (*CK_UNLOCKMUTEX)(void *mutex);
";

const END: &str = "
#ifdef __cplusplus
}
#endif

#endif
";

/// The text of `pkcs11.h`.
pub fn pkcs11_h() -> String {
    let mut header = String::from(BEGINNING);
    GROUPS.iter().for_each(|group| group.write(&mut header));
    header.push_str(BASIC_TYPES);
    names(&mut header);
    header.push_str(CALLBACKS);
    header.push_str("\n/* Structures. */");
    STRUCTURES.iter().for_each(|structure| structure.write(&mut header));
    functions(&mut header);
    header.push_str(END);
    header
}

/// Declares the names of all types.
fn names(header: &mut String) {
    for (name, meaning) in ALIASES {
        line(header, &format!("typedef {meaning} {name};"));
    }
    line(header, "");
    for name in STRUCTURES.iter().map(|structure| structure.name).chain(LISTS.iter().map(|(name, _)| *name)) {
        line(header, &format!("typedef struct {name} {name};"));
    }
    line(header, "");
    for name in POINTERS {
        line(header, &format!("typedef {name} *{name}_PTR;"));
    }
    for name in POINTERS_TO_POINTERS {
        line(header, &format!("typedef {name}_PTR *{name}_PTR_PTR;"));
    }
}

/// Declares the functions, their types and their lists.
fn functions(header: &mut String) {
    line(header, "\n/* Functions, with the version of the standard that brought them. */");
    let mut since = "";
    for function in FUNCTIONS {
        if function.since != since {
            since = function.since;
            line(header, &format!("\n/* {since} */"));
        }
        line(header, &format!("CK_RV {}({});", function.name, parameters(function)));
    }
    line(header, "\n/* Pointers to them. */");
    for function in FUNCTIONS {
        line(header, &format!("typedef CK_RV (*CK_{})({});", function.name, parameters(function)));
    }
    for (name, versions) in LISTS {
        line(header, &format!("\nstruct {name} {{\n    CK_VERSION version;"));
        for function in FUNCTIONS.iter().filter(|function| versions.contains(&function.since)) {
            line(header, &format!("    CK_{0} {0};", function.name));
        }
        line(header, "};");
    }
}

/// The parameters of a function in C.
fn parameters(function: &Function) -> String {
    let parameter = |(name, rust_type): &(&str, &str)| {
        let renamed = KEYWORDS.iter().find(|(keyword, _)| keyword == name).map_or(*name, |(_, other)| *other);
        declaration(rust_type, renamed)
    };
    function.parameters.iter().map(parameter).collect::<Vec<_>>().join(", ")
}

fn line(header: &mut String, text: &str) {
    // invariant: writing to a String does not fail.
    let _ = writeln!(header, "{text}");
}
