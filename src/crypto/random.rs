//! Random bytes, from OpenSSL's generators (which seed themselves again after a fork).
//!
//! Small amounts are given from what each thread has drawn ahead: a generator takes about as long for a thousand bytes as for a key. That is
//! no weaker than drawing each time. Who could read what is drawn and not yet given could read the generator's state in the same memory, which
//! foretells it. That ends when the state is seeded again, so what was drawn before is not given for longer ([`AGE`], [`forget_drawn`]). And what
//! was given can't be read back, for it is wiped at that moment, as a generator leaves nothing that tells its past.

use super::ffi::clock;
use super::ffi::fork_mark::fork_mark;
use crate::error::{Error, Result};
use openssl::error::ErrorStack;
use openssl::rand::{rand_bytes, rand_priv_bytes};
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering, compiler_fence};

/// Bytes given or taken at once: OpenSSL counts in a C int.
const PIECE: usize = 1 << 20;

/// Bytes drawn ahead at once.
const DRAWN: usize = 1 << 10;

/// The most that is given of them at once; for more, drawing ahead saves little.
const SMALL: usize = 64;

/// For how many milliseconds they are given, by the date: as long, and by the same clock, as OpenSSL draws without seeding a thread's generators again.
/// So the copies of a machine that are all restored from one image, and told the time, are not given the same.
const AGE: u64 = 7 * 60 * 1000;

/// Raised when nothing may be given any more that any thread has drawn before.
static ERA: AtomicU64 = AtomicU64::new(0);

/// The era of this moment, a new one in the child of a fork, however that was made. `None`: a child would not know that it is one.
fn era() -> Option<u64> {
    let mark = fork_mark()?;
    // Who finds the mark set sees the era that it was set for.
    if mark.load(Ordering::Acquire) == 0 {
        ERA.fetch_add(1, Ordering::Release);
        mark.store(1, Ordering::Release);
    }
    Some(ERA.load(Ordering::Acquire))
}

/// A generator of OpenSSL's: it fills at most [`PIECE`] bytes.
type Source = fn(&mut [u8]) -> std::result::Result<(), ErrorStack>;

/// What a thread has drawn from a generator. A signal handler that calls in, or forks, while it is looked at finds it in use.
struct Ahead {
    source: Source,
    drawn: RefCell<Drawn>,
}

struct Drawn {
    /// Those that are left come first; behind them are zeros.
    bytes: [u8; DRAWN],
    left: usize,
    /// The era in which they were drawn, and when.
    era: u64,
    at: u64,
}

/// Both generators of a thread.
struct Here {
    public: Ahead,
    private: Ahead,
}

thread_local! {
    // Two values, as that which has something to do at the thread's end costs more to look at.
    static HERE: Here = const { Here { public: Ahead::new(rand_bytes), private: Ahead::new(rand_priv_bytes) } };
    static END: End = const { End };
}

/// Dropped when the thread ends.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        HERE.with(Here::wipe);
    }
}

/// Fills `buffer` with random bytes that somebody may come to know: names, nonces, what callers ask for.
pub fn random(buffer: &mut [u8]) -> Result<()> {
    HERE.with(|here| here.public.fill(buffer))
}

/// Fills `buffer` with the random bytes of a secret. They come from a generator that serves secrets alone.
pub fn random_secret(buffer: &mut [u8]) -> Result<()> {
    HERE.with(|here| here.private.fill(buffer))
}

/// Mixes `seed` into the generators. It can only add to what the kernel has given: no entropy is credited. All that any thread is given from then on
/// depends on it.
pub fn seed(seed: &[u8]) -> Result<()> {
    seed.chunks(PIECE).for_each(super::ffi::openssl::add_seed);
    forget_drawn();
    Ok(())
}

/// Nothing that any thread has drawn ahead is given any more. This thread's is wiped; others wipe theirs when they next draw, or end.
///
/// For the child of a fork, where it would be the parent's too, so that it is wiped there before it is asked for, and for the end of the library.
pub fn forget_drawn() {
    // What was mixed in before is seen by who sees the new era.
    ERA.fetch_add(1, Ordering::Release);
    HERE.with(Here::wipe);
}

impl Here {
    /// Wipes what is there. What is in use, by a call that a signal has interrupted, is of an era that is over.
    fn wipe(&self) {
        for ahead in [&self.public, &self.private] {
            if let Ok(mut drawn) = ahead.drawn.try_borrow_mut() {
                drawn.wipe();
            }
        }
    }
}

impl Ahead {
    const fn new(source: Source) -> Self {
        Ahead { source, drawn: RefCell::new(Drawn { bytes: [0; DRAWN], left: 0, era: 0, at: 0 }) }
    }

    fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        if buffer.len() <= SMALL && self.give(buffer)? {
            return Ok(());
        }
        buffer.chunks_mut(PIECE).try_for_each(self.source).map_err(|_| Error::RandomNoRng)
    }

    /// Fills `buffer`, which is small, from what was drawn ahead. `false`: there can be nothing, since it is in use or the thread ends, or since it could
    /// come twice: then what is in `buffer` is not to be used.
    fn give(&self, buffer: &mut [u8]) -> Result<bool> {
        let Ok(mut drawn) = self.drawn.try_borrow_mut() else { return Ok(false) };
        // First in use, then looked at; also for a signal handler.
        compiler_fence(Ordering::SeqCst);
        let (Some(now), Some(era)) = (clock::coarse_date(), era()) else { return Ok(false) };
        if !drawn.has(buffer.len(), era, now) {
            // Without that value the thread is about to end, and nobody would wipe what is left.
            if END.try_with(|_| ()).is_err() {
                return Ok(false);
            }
            drawn.draw(self.source, era, now)?;
        }
        drawn.give(buffer);
        compiler_fence(Ordering::SeqCst);
        // A signal handler may have forked since; parent and child then both come here with the same bytes.
        Ok(self::era() == Some(era))
    }
}

impl Drawn {
    /// Whether there are so many bytes that are still good.
    fn has(&self, length: usize, era: u64, now: u64) -> bool {
        length <= self.left && self.era == era && now.checked_sub(self.at).is_some_and(|age| age < AGE)
    }

    #[cold]
    fn draw(&mut self, source: Source, era: u64, now: u64) -> Result<()> {
        self.left = 0;
        source(&mut self.bytes).map_err(|_| Error::RandomNoRng)?;
        (self.left, self.era, self.at) = (DRAWN, era, now);
        Ok(())
    }

    /// Gives the last ones that are left, which are enough, and wipes them here.
    fn give(&mut self, buffer: &mut [u8]) {
        let (kept, given) = self.bytes[..self.left].split_at_mut(self.left - buffer.len());
        buffer.copy_from_slice(given);
        self.left = kept.len();
        wipe(given);
    }

    fn wipe(&mut self) {
        self.left = 0;
        wipe(&mut self.bytes);
    }
}

/// Written as one piece, and nobody may leave it out.
fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    zeroize::optimization_barrier(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;

    /// What this thread has drawn from a generator and not yet given.
    fn left(of: fn(&Here) -> &Ahead) -> Vec<u8> {
        HERE.with(|here| {
            let drawn = of(here).drawn.borrow();
            assert!(drawn.bytes[drawn.left..].iter().all(|byte| *byte == 0), "what was given is wiped");
            drawn.bytes[..drawn.left].to_vec()
        })
    }

    /// Whether any 16 bytes of `given` are of those that were `left`.
    fn is_of(given: &[u8], left: &[u8]) -> bool {
        given.windows(16).any(|part| left.windows(16).any(|other| other == part))
    }

    /// Makes sure that something is left.
    fn draw() {
        while left(|here| &here.private).len() < 64 {
            random_secret(&mut [0]).unwrap();
        }
    }

    fn drawn_name() -> [u8; 16] {
        let mut name = [0; 16];
        random(&mut name).unwrap();
        name
    }

    fn drawn_secret() -> [u8; 64] {
        let mut secret = [0; 64];
        random_secret(&mut secret).unwrap();
        secret
    }

    #[test]
    fn no_name_and_no_secret_is_given_twice_by_whatever_thread() {
        let draw = || {
            let names = (0..200).map(|_| drawn_name().to_vec());
            names.chain((0..200).map(|_| drawn_secret().to_vec())).collect::<Vec<_>>()
        };
        let others: Vec<_> = (0..3).map(|_| std::thread::spawn(draw)).collect();
        let mut all = draw();
        all.extend(others.into_iter().flat_map(|other| other.join().unwrap()));
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    }

    #[test]
    fn each_byte_is_given_once_and_wiped_and_none_that_fits_badly_is_given() {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        /// 16-bit numbers in a row.
        fn source(bytes: &mut [u8]) -> std::result::Result<(), ErrorStack> {
            for pair in bytes.chunks_exact_mut(2) {
                let number = NEXT.fetch_add(1, Ordering::Relaxed) as u16 + 1;
                pair.copy_from_slice(&number.to_be_bytes());
            }
            Ok(())
        }
        let (ahead, mut seen) = (Ahead::new(source), HashSet::new());
        for round in 0..500 {
            let mut bytes = vec![0; 2 * (round * 7 % 48)];
            ahead.fill(&mut bytes).unwrap();
            for pair in bytes.chunks_exact(2) {
                assert!(seen.insert([pair[0], pair[1]]), "round {round}: {pair:?} again");
            }
            let drawn = ahead.drawn.borrow();
            assert!(drawn.bytes[drawn.left..].iter().all(|byte| *byte == 0), "round {round}");
        }
        assert!(!seen.contains(&[0, 0]));
    }

    #[test]
    fn what_is_drawn_ahead_is_given_while_it_is_good_and_no_longer() {
        let mut drawn = Drawn { bytes: [7; DRAWN], left: 32, era: 3, at: 1000 };
        assert!(drawn.has(32, 3, 1000) && drawn.has(0, 3, 1000) && drawn.has(32, 3, 1000 + AGE - 1));
        assert!(!drawn.has(33, 3, 1000), "too few");
        assert!(!drawn.has(32, 4, 1000), "another era");
        assert!(!drawn.has(32, 3, 1000 + AGE), "too old");
        assert!(!drawn.has(32, 3, 999), "nobody knows how old");
        let refused = drawn.draw(|_| Err(ErrorStack::get()), 3, 1000);
        assert!(refused.is_err() && !drawn.has(1, 3, 1000), "nothing is left where drawing failed");
    }

    #[test]
    fn much_is_not_taken_from_what_was_drawn_ahead() {
        draw();
        let before = left(|here| &here.private);
        random_secret(&mut [0; SMALL + 1]).unwrap();
        assert_eq!(left(|here| &here.private), before);
    }

    #[test]
    fn what_was_drawn_before_a_seed_is_given_by_no_thread() {
        let (has_drawn, drawn) = mpsc::channel();
        let (seeded, is_seeded) = mpsc::channel();
        let other = std::thread::spawn(move || {
            draw();
            let before = left(|here| &here.private);
            has_drawn.send(()).unwrap();
            is_seeded.recv().unwrap();
            (before, drawn_secret())
        });
        draw();
        drawn.recv().unwrap();
        let before = left(|here| &here.private);
        seed(b"seed").unwrap();
        assert!(left(|here| &here.private).is_empty() && left(|here| &here.public).is_empty(), "wiped");
        seeded.send(()).unwrap();
        assert!(!is_of(&drawn_secret(), &before));
        let (before, after) = other.join().unwrap();
        assert!(before.len() >= 64 && !is_of(&after, &before));
    }

    #[test]
    fn a_child_whose_fork_no_handler_has_seen_is_given_nothing_of_its_parents() {
        draw();
        let before = left(|here| &here.private);
        // What the kernel does in such a child.
        fork_mark().unwrap().store(0, Ordering::Relaxed);
        assert!(!is_of(&drawn_secret(), &before));
    }

    #[test]
    fn a_child_forked_by_a_signal_in_the_midst_of_a_call_is_given_nothing_of_its_parents() {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        /// Becomes a child in the midst of its first call.
        fn source(bytes: &mut [u8]) -> std::result::Result<(), ErrorStack> {
            let call = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
            bytes.fill(call as u8);
            if call == 1 {
                fork_mark().unwrap().store(0, Ordering::Relaxed);
            }
            Ok(())
        }
        let (ahead, mut given) = (Ahead::new(source), [0; 16]);
        for _ in 0..3 {
            ahead.fill(&mut given).unwrap();
            assert!(!given.contains(&0) && !given.contains(&1), "{given:?}: the parent has it too");
        }
    }

    #[test]
    fn a_call_from_within_another_draws_for_itself() {
        draw();
        HERE.with(|here| {
            let before = left(|here| &here.private);
            let used = here.private.drawn.borrow_mut();
            let within = drawn_secret();
            assert!(!is_of(&within, &before) && within != [0; 64]);
            forget_drawn();
            assert_eq!(used.left, before.len(), "it is in use");
        });
        let before = left(|here| &here.private);
        assert!(!is_of(&drawn_secret(), &before), "it was forgotten all the same");
    }

    #[test]
    fn a_thread_that_ends_leaves_nothing_and_draws_nothing_ahead_any_more() {
        struct Late(mpsc::Sender<[usize; 2]>);
        impl Drop for Late {
            fn drop(&mut self) {
                let wiped = left(|here| &here.private).len();
                assert!(drawn_secret() != [0; 64]);
                self.0.send([wiped, left(|here| &here.private).len()]).unwrap();
            }
        }
        thread_local!(static LATE: RefCell<Option<Late>> = const { RefCell::new(None) });
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            // What is looked at first is dropped last.
            LATE.with(|late| *late.borrow_mut() = Some(Late(tell)));
            draw();
        });
        assert_eq!(told.recv().unwrap(), [0, 0]);
    }
}
