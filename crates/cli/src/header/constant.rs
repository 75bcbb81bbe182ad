//! Constants, written in C.

use std::fmt::Write;

/// Constants of one kind.
pub struct Group {
    /// What they are, for the comment above them.
    pub title: &'static str,
    /// How their values are written.
    pub form: Form,
    /// The constants.
    pub constants: &'static [Constant],
}

/// One constant.
pub struct Constant {
    /// Its name in C.
    pub name: &'static str,
    /// Its value.
    pub value: u64,
}

/// How values are written.
#[derive(Clone, Copy)]
pub enum Form {
    /// In decimal, of type int.
    Plain,
    /// In hexadecimal, of type unsigned long.
    Hex,
}

impl Group {
    /// The group in C.
    pub fn write(&self, header: &mut String) {
        // invariant: writing to a String does not fail.
        let _ = writeln!(header, "\n/* {}. */", self.title);
        for constant in self.constants {
            let _ = writeln!(header, "#define {} {}", constant.name, constant.c_value(self.form));
        }
    }
}

impl Constant {
    fn c_value(&self, form: Form) -> String {
        match (form, self.value) {
            (Form::Plain, value) => value.to_string(),
            // All bits, however many an unsigned long has.
            (Form::Hex, u64::MAX) => "(~0UL)".to_owned(),
            (Form::Hex, value) => format!("0x{value:08x}UL"),
        }
    }
}
