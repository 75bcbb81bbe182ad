//! Connections that wait for the next call, by node.

use super::connection::Connection;
use parking_lot::Mutex;
use std::any::Any;
use std::sync::Arc;

/// Connections kept at most for each node. More may be open while they are in use.
const MOST: usize = 16;

/// The idle connections.
pub(super) struct Pool(Arc<Mutex<Vec<Vec<Connection>>>>);

impl Pool {
    pub fn new(nodes: usize) -> Self {
        Pool(Arc::new(Mutex::new((0..nodes).map(|_| Vec::new()).collect())))
    }

    /// The one that was used last: the others may have been closed for idleness.
    pub fn take(&self, node: usize) -> Option<Connection> {
        self.0.lock()[node].pop()
    }

    /// Keeps one, or closes it if there are enough.
    pub fn put(&self, node: usize, connection: Connection) {
        let mut idle = self.0.lock();
        if idle[node].len() < MOST {
            idle[node].push(connection);
        }
    }

    /// Closes all to one node.
    pub fn clear(&self, node: usize) {
        self.0.lock()[node].clear();
    }

    /// Closes all, and keeps any from coming back until the answer is dropped.
    pub fn pause(&self) -> Box<dyn Any> {
        let mut idle = Mutex::lock_arc(&self.0);
        idle.iter_mut().for_each(Vec::clear);
        Box::new(idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    fn connection() -> Connection {
        Connection::Unix(UnixStream::pair().unwrap().0)
    }

    #[test]
    fn each_node_has_a_bounded_number() {
        let pool = Pool::new(2);
        (0..=MOST).for_each(|_| pool.put(0, connection()));
        pool.put(1, connection());
        let count = |node| std::iter::from_fn(|| pool.take(node)).count();
        assert_eq!((count(0), count(1)), (MOST, 1));
    }

    #[test]
    fn while_paused_none_is_open_and_none_comes_back() {
        let pool = Pool::new(1);
        pool.put(0, connection());
        let paused = pool.pause();
        assert!(pool.0.try_lock().is_none(), "a connection could come back");
        drop(paused);
        assert!(pool.take(0).is_none());
    }
}
