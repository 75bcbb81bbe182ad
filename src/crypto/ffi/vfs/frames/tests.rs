use super::*;
use fastrand::Rng;

const PAGE: usize = 512;
const FRAME: usize = HEADER + PAGE;
const LOG_HEADER: usize = 32;

/// A file that takes what is written, or refuses.
#[derive(Clone, Default)]
struct Disk {
    bytes: Vec<u8>,
    writes: usize,
}

impl Disk {
    fn put(&mut self, offset: i64, bytes: &[u8]) -> Result<(), ()> {
        let from = usize::try_from(offset).unwrap();
        let end = from + bytes.len();
        self.bytes.resize(self.bytes.len().max(end), 0);
        self.bytes[from..end].copy_from_slice(bytes);
        self.writes += 1;
        Ok(())
    }
}

fn at(frame: usize) -> i64 {
    (LOG_HEADER + frame * FRAME) as i64
}

fn header(rng: &mut Rng, is_last: bool) -> Vec<u8> {
    let mut header: Vec<u8> = (0..HEADER).map(|_| rng.u8(..)).collect();
    header[SIZE_AFTER_COMMIT].copy_from_slice(&[0, 0, 0, u8::from(is_last)]);
    header
}

fn page(rng: &mut Rng) -> Vec<u8> {
    (0..PAGE).map(|_| rng.u8(..)).collect()
}

/// Writes a log as SQLite does, once through frames that may wait and once without.
struct Writer {
    rng: Rng,
    frames: Frames,
    /// What is written through them; refuses now and then.
    disk: Disk,
    refuses: bool,
    /// What is written without.
    plain: Disk,
    /// Frames that are committed.
    committed: usize,
}

impl Writer {
    fn write(&mut self, offset: i64, piece: &[u8]) -> Result<(), ()> {
        let (disk, rng, refuses) = (&mut self.disk, &mut self.rng, self.refuses);
        self.frames.write(offset, piece, |offset, bytes| {
            if !refuses || rng.u8(..8) != 0 {
                return disk.put(offset, bytes);
            }
            let some = rng.usize(..bytes.len());
            disk.put(offset, &bytes[..some])?;
            Err(())
        })?;
        self.plain.put(offset, piece)
    }

    fn append(&mut self, frame: usize, is_last: bool) -> Result<(), ()> {
        let (header, page) = (header(&mut self.rng, is_last), page(&mut self.rng));
        self.write(at(frame), &header)?;
        self.write(at(frame) + HEADER as i64, &page)
    }

    /// What it reads is what it has written, on the disk or not.
    fn read(&mut self, frame: usize) -> Result<(), ()> {
        let disk = &mut self.disk;
        self.frames.flush_at(at(frame), FRAME, |offset, bytes| disk.put(offset, bytes))?;
        let range = at(frame) as usize..at(frame + 1) as usize;
        assert_eq!(self.disk.bytes[range.clone()], self.plain.bytes[range]);
        Ok(())
    }

    /// Does all that SQLite does in a transaction, in any order; answers how many frames the log has then.
    fn transaction(&mut self) -> Result<usize, ()> {
        let mut end = self.committed;
        let mut first_changed = None;
        for _ in 0..self.rng.usize(..40) {
            match self.rng.u8(..10) {
                // A savepoint is rolled back.
                0 => end = self.rng.usize(self.committed..=end),
                1 if end > 0 => {
                    let frame = self.rng.usize(..end);
                    self.read(frame)?;
                }
                // A page that was in the log already changes again.
                2 if end > self.committed => {
                    let (frame, page) = (self.rng.usize(self.committed..end), page(&mut self.rng));
                    self.write(at(frame) + HEADER as i64, &page)?;
                    first_changed = Some(first_changed.map_or(frame, |first: usize| first.min(frame)));
                }
                _ => {
                    // One that is refused comes to nothing; others may come after it.
                    if self.append(end, false).is_ok() {
                        end += 1;
                    }
                }
            }
        }
        self.append(end, true)?;
        for frame in first_changed.map_or(end + 1, |first| first.min(end))..=end {
            self.read(frame)?;
            let header = header(&mut self.rng, frame == end);
            self.write(at(frame), &header)?;
        }
        Ok(end + 1)
    }

    /// A transaction that is committed, refused or rolled back.
    fn lock_and_write(&mut self) {
        self.frames.lock();
        let before = self.plain.clone();
        match self.transaction() {
            Ok(end) if self.rng.bool() => self.committed = end,
            _ => self.plain = before,
        }
        // Where a commit's last write was answered, or an earlier commit lies, nothing is missing while the lock is still held.
        self.check();
        self.frames.unlock();
    }

    fn check(&self) {
        let end = at(self.committed) as usize;
        assert!(self.disk.bytes[..end] == self.plain.bytes[..end]);
    }
}

#[test]
fn what_is_committed_is_in_the_log_whatever_else_a_writer_does_and_whatever_the_disk_refuses() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    for refuses in [false, true] {
        let mut writer = Writer {
            rng: Rng::with_seed(seed),
            frames: Frames::default(),
            disk: Disk::default(),
            refuses,
            plain: Disk::default(),
            committed: 0,
        };
        for log in [&mut writer.disk, &mut writer.plain] {
            log.put(0, &[7; LOG_HEADER]).unwrap();
        }
        for _ in 0..300 {
            writer.lock_and_write();
            writer.check();
            // Another process commits: nothing of what was rolled back may come over it later.
            for _ in 0..writer.rng.usize(..4) {
                let frame: Vec<u8> = (0..FRAME).map(|_| writer.rng.u8(..)).collect();
                writer.disk.put(at(writer.committed), &frame).unwrap();
                writer.plain.put(at(writer.committed), &frame).unwrap();
                writer.committed += 1;
            }
        }
        assert!(writer.committed > 100, "{}", writer.committed);
    }
}

#[test]
fn a_commit_is_written_in_one_piece_before_its_last_write_is_answered() {
    let (mut frames, mut disk, mut rng) = (Frames::default(), Disk::default(), Rng::with_seed(1));
    frames.lock();
    for frame in 0..6 {
        assert_eq!(disk.writes, 0);
        for (offset, piece) in
            [(at(frame), header(&mut rng, frame == 5)), (at(frame) + HEADER as i64, page(&mut rng))]
        {
            frames.write(offset, &piece, |offset, bytes| disk.put(offset, bytes)).unwrap();
        }
    }
    assert_eq!((disk.writes, disk.bytes.len()), (1, at(6) as usize));
}

#[test]
fn a_commit_that_was_refused_is_not_written_later() {
    let (mut frames, mut disk, mut rng) = (Frames::default(), Disk::default(), Rng::with_seed(1));
    frames.lock();
    let (header, page) = (header(&mut rng, true), page(&mut rng));
    frames.write(at(0), &header, |_, _| Err(())).unwrap();
    frames.write(at(0) + HEADER as i64, &page, |_, _| Err(())).unwrap_err();
    frames.flush(|offset, bytes| disk.put(offset, bytes)).unwrap();
    assert_eq!(disk.bytes[LOG_HEADER..], header);
}

#[test]
fn without_the_write_lock_nothing_waits() {
    let (mut frames, mut disk, mut rng) = (Frames::default(), Disk::default(), Rng::with_seed(1));
    let header = header(&mut rng, false);
    frames.write(at(0), &header, |offset, bytes| disk.put(offset, bytes)).unwrap();
    assert_eq!(disk.writes, 1);
    frames.lock();
    frames.write(at(1), &header, |offset, bytes| disk.put(offset, bytes)).unwrap();
    frames.unlock();
    frames.flush(|offset, bytes| disk.put(offset, bytes)).unwrap();
    assert_eq!(disk.writes, 1);
}

#[test]
fn a_large_transaction_waits_in_so_much_room_and_no_more() {
    let (mut frames, mut disk, mut rng) = (Frames::default(), Disk::default(), Rng::with_seed(1));
    frames.lock();
    for frame in 0..1000 {
        for (offset, piece) in
            [(at(frame), header(&mut rng, frame == 999)), (at(frame) + HEADER as i64, page(&mut rng))]
        {
            frames.write(offset, &piece, |offset, bytes| disk.put(offset, bytes)).unwrap();
            assert!(frames.bytes.capacity() <= ROOM);
        }
    }
    assert_eq!(disk.bytes.len(), at(1000) as usize);
    // A header that comes when there is room for no page brings one write more.
    assert!(disk.writes <= 2 * (1 + 1000 * FRAME / (ROOM - FRAME)), "{}", disk.writes);
}

#[test]
fn what_waits_and_could_not_be_written_for_a_read_is_in_the_log_with_the_commit() {
    let (mut frames, mut disk, mut plain) = (Frames::default(), Disk::default(), Disk::default());
    let mut rng = Rng::with_seed(1);
    frames.lock();
    for frame in 0..3 {
        let pieces = [(at(frame), header(&mut rng, frame == 2)), (at(frame) + HEADER as i64, page(&mut rng))];
        for (offset, piece) in pieces {
            frames.write(offset, &piece, |offset, bytes| disk.put(offset, bytes)).unwrap();
            plain.put(offset, &piece).unwrap();
        }
        if frame == 1 {
            frames.flush_at(at(0), FRAME, |_, _| Err(())).unwrap_err();
        }
    }
    assert!(disk.bytes == plain.bytes);
}
