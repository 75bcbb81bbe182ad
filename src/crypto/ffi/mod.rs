//! Foreign calls that no library of ours wraps: OpenSSL's, the kernel's, and those of SQLite's file layer. Beside `abi`, the only place where
//! `unsafe` may stand; everything leaves here as a safe function or type.
#![allow(unsafe_code)]

pub mod cipher;
pub mod clock;
pub mod digest;
pub mod disk;
pub mod files;
pub mod fork_mark;
pub mod kdf;
pub mod lock;
pub mod mac;
pub mod mapping;
pub mod named_key;
pub mod openssl;
pub mod param;
pub mod pkey;
pub mod vfs;
pub mod weierstrass;
