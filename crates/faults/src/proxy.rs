//! The links between nodes, and from clients to nodes: a proxy in front of each socket, which holds back what a rule says.
//!
//! Who calls is told by address: the node at place `k` calls from [`source`]`(k)`, anybody else is a client. A rule is for what one party sends
//! to another, questions and answers alike, as a network would lose it. Nothing is thrown away: what is held back comes late, as after a
//! retransmission. All of it is loopback addresses, so it needs no rights and works in any container.

use parking_lot::{Condvar, Mutex};
use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a wait on a socket or a rule lasts before it is looked whether all is over.
const LOOK: Duration = Duration::from_millis(200);

/// One end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Party {
    /// The node at that place.
    Node(usize),
    /// All clients.
    Clients,
}

impl Party {
    /// Who calls from this address.
    fn calling_from(address: IpAddr) -> Party {
        match address {
            IpAddr::V4(address) => match address.octets() {
                [127, 0, 1, place] if place != 0 => Party::Node(usize::from(place) - 1),
                _ => Party::Clients,
            },
            IpAddr::V6(_) => Party::Clients,
        }
    }
}

/// The address that the node at this place listens on and calls from; there are 254 places.
pub fn source(place: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 1, u8::try_from(place + 1).unwrap_or(u8::MAX))
}

/// What becomes of what one party sends to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Nothing arrives until the rule is lifted.
    Cut,
    /// Each piece arrives so much later.
    Slow(Duration),
}

/// All links and their rules.
#[derive(Default)]
pub struct Links {
    rules: Mutex<HashMap<(Party, Party), Rule>>,
    changed: Condvar,
    closed: AtomicBool,
}

impl Links {
    /// What `from` sends to `to` follows this rule from now on.
    pub fn set(&self, from: Party, to: Party, rule: Rule) {
        self.rules.lock().insert((from, to), rule);
        self.changed.notify_all();
    }

    /// Lifts the rule on what `from` sends to `to`.
    pub fn lift(&self, from: Party, to: Party) {
        self.rules.lock().remove(&(from, to));
        self.changed.notify_all();
    }

    /// Ends all proxies.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.changed.notify_all();
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Waits until something from `from` may arrive at `to`; whether it ever may.
    fn pass(&self, from: Party, to: Party) -> bool {
        let mut rules = self.rules.lock();
        loop {
            if self.is_closed() {
                return false;
            }
            match rules.get(&(from, to)) {
                None => return true,
                Some(Rule::Slow(delay)) => {
                    let delay = *delay;
                    drop(rules);
                    std::thread::sleep(delay);
                    return true;
                }
                Some(Rule::Cut) => {
                    self.changed.wait_for(&mut rules, LOOK);
                }
            }
        }
    }

    /// Puts a proxy in front of a socket of the node at `place`; the proxy's address.
    pub fn open(self: &Arc<Self>, place: usize, behind: SocketAddr) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let links = self.clone();
        std::thread::spawn(move || links.listen(&listener, place, behind));
        Ok(address)
    }

    fn listen(self: Arc<Self>, listener: &TcpListener, place: usize, behind: SocketAddr) {
        while !self.is_closed() {
            match listener.accept() {
                Ok((caller, address)) => {
                    let (links, party) = (self.clone(), Party::calling_from(address.ip()));
                    std::thread::spawn(move || links.join(caller, party, place, behind));
                }
                // A short nap: nothing else wakes this thread when all is over.
                Err(_) => std::thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    /// Serves one connection to its end.
    fn join(self: Arc<Self>, caller: TcpStream, party: Party, place: usize, behind: SocketAddr) {
        let node = Party::Node(place);
        if !self.pass(party, node) {
            return;
        }
        let joined = || -> io::Result<_> {
            let called = TcpStream::connect(behind)?;
            for stream in [&caller, &called] {
                stream.set_nonblocking(false)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(LOOK))?;
            }
            Ok((called.try_clone()?, caller.try_clone()?, called))
        };
        // A node that is not there is one that closes the connection.
        let Ok((to_node, to_caller, called)) = joined() else { return };
        let links = self.clone();
        let answers = std::thread::spawn(move || links.pump(called, to_caller, node, party));
        self.pump(caller, to_node, party, node);
        let _ = answers.join();
    }

    /// Carries what one side sends to the other, until either is done.
    fn pump(&self, mut source: TcpStream, mut sink: TcpStream, from: Party, to: Party) {
        let mut piece = vec![0; 1 << 14];
        loop {
            let read = match source.read(&mut piece) {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if self.is_closed() {
                        break;
                    }
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read.unwrap_or(0),
            };
            // The end of a connection is news, too, that a cut link does not bring.
            if !self.pass(from, to) || read == 0 || sink.write_all(&piece[..read]).is_err() {
                break;
            }
        }
        let _ = sink.shutdown(Shutdown::Write);
        let _ = source.shutdown(Shutdown::Read);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A socket that answers each byte with the next.
    fn counting() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                std::thread::spawn(move || {
                    let mut byte = [0];
                    while stream.read_exact(&mut byte).is_ok() {
                        stream.write_all(&[byte[0].wrapping_add(1)]).unwrap();
                    }
                });
            }
        });
        address
    }

    fn ask(stream: &mut TcpStream, byte: u8) -> Option<u8> {
        stream.write_all(&[byte]).unwrap();
        answer(stream)
    }

    fn answer(stream: &mut TcpStream) -> Option<u8> {
        let mut byte = [0];
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        stream.read_exact(&mut byte).ok().map(|()| byte[0])
    }

    #[test]
    fn a_cut_in_either_direction_holds_back_and_loses_nothing() {
        for (from, to) in [(Party::Clients, Party::Node(2)), (Party::Node(2), Party::Clients)] {
            let links = Arc::<Links>::default();
            let mut stream = TcpStream::connect(links.open(2, counting()).unwrap()).unwrap();
            assert_eq!(ask(&mut stream, 1), Some(2));
            links.set(from, to, Rule::Cut);
            assert_eq!(ask(&mut stream, 10), None);
            links.lift(from, to);
            stream.set_read_timeout(None).unwrap();
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            assert_eq!(byte, [11]);
            links.close();
        }
    }

    #[test]
    fn a_rule_is_for_one_caller_only() {
        let links = Arc::<Links>::default();
        let proxy = links.open(0, counting()).unwrap();
        links.set(Party::Node(1), Party::Node(0), Rule::Cut);
        assert_eq!(ask(&mut TcpStream::connect(proxy).unwrap(), 5), Some(6));
        assert_eq!(Party::calling_from(IpAddr::V4(source(1))), Party::Node(1));
        links.close();
    }

    #[test]
    fn the_end_of_one_side_reaches_the_other() {
        let links = Arc::<Links>::default();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = links.open(0, listener.local_addr().unwrap()).unwrap();
        let caller = TcpStream::connect(proxy).unwrap();
        let (mut called, _) = listener.accept().unwrap();
        drop(caller);
        assert_eq!(called.read(&mut [0]).unwrap(), 0);
        links.close();
    }
}
