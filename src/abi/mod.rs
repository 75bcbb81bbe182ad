//! The C edge: the only code that touches a caller's pointers.
#![allow(unsafe_code)]
