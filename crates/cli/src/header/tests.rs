use super::*;
use std::collections::{BTreeMap, HashSet};
use std::process::Command;

/// What a C program that knows only the header prints of each type and constant: name and number.
fn probe() -> String {
    let mut program =
        String::from("#include <pkcs11.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void)\n{\n");
    let mut show = |what: &str, expression: &str| {
        line(&mut program, &format!("    printf(\"{what} %lu\\n\", (unsigned long)({expression}));"));
    };
    for structure in STRUCTURES {
        show(structure.name, &format!("sizeof({})", structure.name));
        for field in structure.fields {
            let place = format!("{}.{}", structure.name, field.c_name());
            show(&place, &format!("offsetof({}, {})", structure.name, field.c_name()));
        }
    }
    for (list, _) in LISTS {
        show(list, &format!("sizeof({list})"));
        show(&format!("{list}.first"), &format!("offsetof({list}, C_Initialize)"));
    }
    for (alias, _) in ALIASES {
        show(alias, &format!("sizeof({alias})"));
    }
    for constant in GROUPS.iter().flat_map(|group| group.constants) {
        show(constant.name, constant.name);
    }
    program.push_str("    return 0;\n}\n");
    program
}

/// The same from the tables, whose numbers are the compiler's own of `cryptoki-sys`.
fn expected() -> BTreeMap<String, u64> {
    let mut expected = BTreeMap::new();
    for structure in STRUCTURES {
        expected.insert(structure.name.to_owned(), structure.size as u64);
        for field in structure.fields {
            expected.insert(format!("{}.{}", structure.name, field.c_name()), field.offset as u64);
        }
    }
    use cryptoki_sys as ck;
    for (name, size) in [
        ("CK_FUNCTION_LIST", size_of::<ck::CK_FUNCTION_LIST>()),
        ("CK_FUNCTION_LIST_3_0", size_of::<ck::CK_FUNCTION_LIST_3_0>()),
        ("CK_FUNCTION_LIST_3_2", size_of::<ck::CK_FUNCTION_LIST_3_2>()),
    ] {
        expected.insert(name.to_owned(), size as u64);
        expected
            .insert(format!("{name}.first"), std::mem::offset_of!(ck::CK_FUNCTION_LIST, C_Initialize) as u64);
    }
    for (alias, _) in ALIASES {
        expected.insert((*alias).to_owned(), size_of::<ck::CK_ULONG>() as u64);
    }
    for constant in GROUPS.iter().flat_map(|group| group.constants) {
        expected.insert(constant.name.to_owned(), constant.value);
    }
    expected
}

#[test]
fn sizes_offsets_and_values_in_c_are_those_of_the_module() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("pkcs11.h"), pkcs11_h()).unwrap();
    std::fs::write(at("probe.c"), probe()).unwrap();
    let compiler = Command::new("cc")
        .args(["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-I"])
        .args([folder.path(), &at("probe.c"), "-o".as_ref(), &at("probe")])
        .output()
        .unwrap();
    assert!(compiler.status.success(), "{}", String::from_utf8_lossy(&compiler.stderr));
    let printed = Command::new(at("probe")).output().unwrap().stdout;
    let printed: BTreeMap<String, u64> = String::from_utf8(printed)
        .unwrap()
        .lines()
        .map(|line| {
            let (name, number) = line.split_once(' ').unwrap();
            (name.to_owned(), number.parse().unwrap())
        })
        .collect();
    let expected = expected();
    for (name, number) in &expected {
        assert_eq!(printed.get(name), Some(number), "{name}");
    }
    assert_eq!(printed.len(), expected.len());
}

#[test]
fn the_headers_in_the_repository_are_current() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../include");
    for (name, now) in [("pkcs11.h", pkcs11_h()), ("cloister.h", cloister_h())] {
        let written = std::fs::read_to_string(format!("{folder}/{name}")).unwrap_or_default();
        assert!(written == now, "include/{name} is out of date: run `make docs`");
    }
}

#[test]
fn nothing_is_declared_twice_and_no_mechanism_is_missing() {
    let mut seen = HashSet::new();
    let constants = GROUPS.iter().flat_map(|group| group.constants).map(|constant| constant.name);
    let types =
        STRUCTURES.iter().map(|structure| structure.name).chain(ALIASES.iter().map(|(name, _)| *name));
    for name in constants.chain(types) {
        assert!(seen.insert(name), "{name}");
    }
    let headers = pkcs11_h() + &cloister_h();
    for row in cloister::mechanism::registry::ROWS {
        assert!(headers.contains(&format!("#define {} 0x{:08x}UL\n", row.name, row.id)), "{}", row.name);
    }
}
