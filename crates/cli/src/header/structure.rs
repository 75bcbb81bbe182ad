//! Structures and the types of their fields, written in C.

use std::fmt::Write;

/// One structure.
pub struct Structure {
    /// Its name in C.
    pub name: &'static str,
    /// Bytes that it takes.
    #[cfg(test)]
    pub size: usize,
    /// Its fields.
    pub fields: &'static [Field],
}

/// One field.
pub struct Field {
    /// Its name; one that Rust can't use has an underscore more.
    pub name: &'static str,
    /// Its type as Rust writes it.
    pub rust_type: &'static str,
    /// Bytes before it.
    #[cfg(test)]
    pub offset: usize,
}

impl Structure {
    /// The structure in C; its name has been declared.
    pub fn write(&self, header: &mut String) {
        // invariant: writing to a String does not fail.
        let _ = writeln!(header, "\nstruct {} {{", self.name);
        for field in self.fields {
            let _ = writeln!(header, "    {};", declaration(field.rust_type, field.c_name()));
        }
        header.push_str("};\n");
    }
}

impl Field {
    /// Its name in C.
    pub fn c_name(&self) -> &'static str {
        self.name.trim_end_matches('_')
    }
}

/// A declaration in C of something that has this type in Rust: a type by its name, an array of such, or a pointer.
pub fn declaration(rust_type: &str, name: &str) -> String {
    let compact: String = rust_type.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((element, length)) = compact.strip_prefix('[').and_then(|array| array.split_once(';')) {
        return format!("{element} {name}[{}]", length.trim_matches([' ', ']']));
    }
    let stars = compact.matches("*mut").count();
    let target = compact.rsplit(' ').next().unwrap_or_default();
    let target = if target == "c_void" { "void" } else { target };
    format!("{target} {}{name}", "*".repeat(stars))
}

#[cfg(test)]
mod tests {
    use super::declaration;

    #[test]
    fn types_of_rust_become_those_of_c() {
        assert_eq!(declaration("CK_ULONG", "count"), "CK_ULONG count");
        assert_eq!(declaration("*mut c_void", "data"), "void *data");
        assert_eq!(declaration("*mut *mut CK_INTERFACE", "found"), "CK_INTERFACE **found");
        assert_eq!(declaration("[CK_BYTE; 16]", "iv"), "CK_BYTE iv[16]");
    }
}
