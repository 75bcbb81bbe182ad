//! Consensus as a whole: storage, durability, three nodes on loopback, and who may speak on the sync socket.

mod cluster;
mod durable;
mod machine;
mod nodes;
mod removal;
mod security;
mod storage;
mod unfinished;
