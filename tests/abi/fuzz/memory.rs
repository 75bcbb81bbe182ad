//! The memory that calls of a fuzz run get: each block between canaries, and with a say in who may write to it.

/// Bytes on each side of a block that nobody may touch.
const GUARD: usize = 32;
const CANARY: u8 = 0xC5;

/// What one call's pointers point to.
#[derive(Default)]
pub struct Memory {
    blocks: Vec<Block>,
}

struct Block {
    bytes: Vec<u8>,
    before: Vec<u8>,
    /// Where the block itself begins, and how much of it the module may write.
    start: usize,
    writable: usize,
}

impl Memory {
    /// A block to be read only.
    pub fn input(&mut self, content: &[u8]) -> *mut u8 {
        self.add(content, 0, 0)
    }

    /// The same at an odd address.
    pub fn misaligned(&mut self, content: &[u8]) -> *mut u8 {
        self.add(content, 1, 0)
    }

    /// A block that the module may fill.
    pub fn output(&mut self, content: &[u8]) -> *mut u8 {
        self.add(content, 0, content.len())
    }

    /// A structure to be read only.
    pub fn structure<T: Copy>(&mut self, value: T) -> *mut T {
        self.input(bytes_of(std::slice::from_ref(&value))).cast()
    }

    /// An array, which may be written to or not.
    pub fn array<T: Copy>(&mut self, items: &[T], writable: bool) -> *mut T {
        let bytes = bytes_of(items);
        self.add(bytes, 0, if writable { bytes.len() } else { 0 }).cast()
    }

    /// Lets the module write to a block that was an input so far, as in encryption in place.
    pub fn open(&mut self, at: *mut u8, length: usize) {
        for block in &mut self.blocks {
            if std::ptr::eq(at, block.bytes[block.start..].as_ptr()) {
                block.writable = block.writable.max(length.min(block.bytes.len() - GUARD - block.start));
            }
        }
    }

    /// What was written outside of what may be written.
    pub fn damage(&self) -> Option<String> {
        self.blocks.iter().find_map(|block| {
            let mine = block.start..block.start + block.writable;
            let changed = |at: &usize| block.bytes[*at] != block.before[*at] && !mine.contains(at);
            let at = (0..block.bytes.len()).find(changed)?;
            let (length, start) = (block.bytes.len() - GUARD - block.start, block.start as isize);
            Some(format!(
                "byte {} of a block of {length} was written, {} of them writable",
                at as isize - start,
                block.writable
            ))
        })
    }

    /// What the module may have written, block by block.
    pub fn written(&self) -> impl Iterator<Item = &[u8]> {
        self.blocks.iter().map(|block| &block.bytes[block.start..block.start + block.writable])
    }

    /// Forgets all blocks.
    pub fn clear(&mut self) {
        self.blocks.clear();
    }

    fn add(&mut self, content: &[u8], shift: usize, writable: usize) -> *mut u8 {
        let start = GUARD + shift;
        let mut bytes = vec![CANARY; start + content.len() + GUARD];
        bytes[start..start + content.len()].copy_from_slice(content);
        let before = bytes.clone();
        let at = bytes[start..].as_mut_ptr();
        self.blocks.push(Block { bytes, before, start, writable });
        at
    }
}

/// A C array as bytes.
fn bytes_of<T: Copy>(items: &[T]) -> &[u8] {
    unsafe { std::slice::from_raw_parts(items.as_ptr().cast(), size_of_val(items)) }
}
