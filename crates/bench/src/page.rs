//! The page of the documentation: what was measured stands between marks, part by part, and what people wrote around it stays.

use crate::Result;
use std::path::Path;

const END: &str = "<!-- end of what was measured -->\n";

/// A part of the page: its name, and what was measured.
pub struct Section {
    /// What its first mark names.
    pub name: &'static str,
    /// What stands between its marks.
    pub content: String,
}

/// Writes these parts of the page; others stay as they were.
pub fn write(file: &Path, sections: &[Section]) -> Result<()> {
    let mut page = std::fs::read_to_string(file)?;
    for section in sections {
        let missing = || format!("{} has no place for {}", file.display(), section.name);
        page = replaced(&page, section).ok_or_else(missing)?;
    }
    Ok(std::fs::write(file, page)?)
}

fn replaced(page: &str, Section { name, content }: &Section) -> Option<String> {
    let begin = format!("<!-- measured by `make bench`: {name} -->\n");
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{begin}\n{content}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_and_what_was_not_measured_stays() {
        let mark = |name: &str| format!("<!-- measured by `make bench`: {name} -->\n");
        let page = format!("# Page\n{}old\n{END}between\n{}kept\n{END}after\n", mark("one"), mark("two"));
        let one = replaced(&page, &Section { name: "one", content: "new\n".to_owned() }).unwrap();
        assert_eq!(one, page.replace("old", "\nnew"));
        assert!(replaced(&page, &Section { name: "three", content: String::new() }).is_none());
    }
}
