//! That lines hang together, whatever happens to their files.

use super::*;

#[test]
fn a_whole_trail_tells_how_far_it_goes() {
    let directory = written();
    let report = verify(directory.path(), None).unwrap();
    let last = openssl::sha::sha256(lines(directory.path())[7].as_bytes());
    assert_eq!((report.segments, report.events, report.first), (1, 8, 1));
    assert_eq!(report.last, Position { sequence: 8, hash: last });
    assert_eq!(verify(&segment(directory.path(), 1), None).unwrap(), report);
    assert_eq!(open(directory.path()).position(), report.last);
}

#[test]
fn an_empty_trail_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    assert_eq!(verify(directory.path(), None).unwrap().events, 0);
    assert!(verify(&directory.path().join("absent"), None).is_err());
}

#[test]
fn a_changed_line_is_found() {
    assert_eq!(tampered(|lines| lines[3] = lines[3].replace("alias/a", "alias/b")), (4, Why::Changed));
    assert_eq!(tampered(|lines| lines[0] = lines[0].replace("alias/a", "alias/b")), (1, Why::Changed));
    assert_eq!(tampered(|lines| lines[3].push(' ')), (4, Why::Changed));
    assert_eq!(tampered(|lines| lines[3] = "gone".into()), (4, Why::Foreign));
    assert_eq!(tampered(|lines| lines[3] = "{}".into()), (4, Why::Foreign));
    let first = |lines: &mut Vec<String>| lines[0] = lines[0].replace(&"0".repeat(64), &"1".repeat(64));
    assert_eq!(tampered(first), (1, Why::Changed));
}

#[test]
fn removed_lines_are_found() {
    assert_eq!(tampered(|lines| drop(lines.remove(3))), (4, Why::Removed(1)));
    assert_eq!(tampered(|lines| drop(lines.drain(2..6))), (3, Why::Removed(4)));
}

#[test]
fn moved_lines_are_found() {
    assert_eq!(tampered(|lines| lines.swap(3, 4)), (4, Why::Moved));
    assert_eq!(tampered(|lines| lines.swap(1, 6)), (2, Why::Moved));
    let to_end = |lines: &mut Vec<String>| {
        let line = lines.remove(2);
        lines.push(line);
    };
    assert_eq!(tampered(to_end), (3, Why::Moved));
}

#[test]
fn inserted_lines_are_found() {
    assert_eq!(tampered(|lines| lines.insert(4, lines[3].clone())), (4, Why::Inserted), "a line twice");
    assert_eq!(tampered(|lines| lines.insert(4, lines[0].clone())), (5, Why::Moved), "an old line again");
    let forged = |lines: &mut Vec<String>| {
        let mut event = br#"{"eventName":"Decrypt""#.to_vec();
        let before = Position { sequence: 4, hash: openssl::sha::sha256(lines[3].as_bytes()) };
        before.chain(&mut event);
        lines.insert(4, String::from_utf8(event).unwrap());
    };
    assert_eq!(tampered(forged), (5, Why::Inserted), "a new line, chained to the one before");
}

#[test]
fn a_cut_in_the_middle_of_a_line_is_found() {
    let directory = written();
    let file = segment(directory.path(), 1);
    let length = fs::metadata(&file).unwrap().len();
    fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(length - 100).unwrap();
    let broken = verify(directory.path(), None).unwrap_err();
    assert_eq!((broken.line, broken.why), (8, Why::Torn));
}

#[test]
fn a_trail_cut_off_at_a_line_is_found_by_a_hash_kept_elsewhere() {
    let directory = written();
    let anchor = verify(directory.path(), None).unwrap().last.hash;
    assert!(verify(directory.path(), Some(anchor)).is_ok());
    encrypt(&open(directory.path()), "request-9").unwrap();
    assert!(verify(directory.path(), Some(anchor)).is_ok(), "a trail that has grown since still holds it");

    let text: String = lines(directory.path())[..7].iter().map(|line| format!("{line}\n")).collect();
    fs::write(segment(directory.path(), 1), text).unwrap();
    assert!(verify(directory.path(), None).is_ok(), "nothing in the rest tells");
    let broken = verify(directory.path(), Some(anchor)).unwrap_err();
    assert_eq!((broken.line, broken.why), (7, Why::CutOff));
}

#[test]
fn a_trail_opened_again_goes_on_with_its_chain() {
    let directory = written();
    let (trail, torn) = Trail::open(settings(directory.path())).unwrap();
    assert_eq!(torn, None);
    encrypt(&trail, "request-9").unwrap();
    let report = verify(directory.path(), None).unwrap();
    assert_eq!((report.events, report.last), (9, trail.position()));
}

#[test]
fn a_torn_last_line_is_cut_off_kept_and_told() {
    let directory = written();
    let file = segment(directory.path(), 1);
    let text = fs::read_to_string(&file).unwrap();
    for torn in ["{\"eventVer", &"x".repeat(300_000), text.lines().next().unwrap()] {
        fs::write(&file, format!("{text}{torn}")).unwrap();
        let beside = directory.path().join("audit-000001.jsonl.torn");
        let _ = fs::remove_file(&beside);
        let (trail, told) = Trail::open(settings(directory.path())).unwrap();
        assert_eq!(told, Some(Torn { file: beside.clone(), bytes: torn.len() as u64 }));
        assert_eq!(fs::read_to_string(&beside).unwrap(), torn);
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
        encrypt(&trail, "request-9").unwrap();
        assert_eq!(verify(directory.path(), None).unwrap().events, 9);
    }
}

#[test]
fn a_first_line_that_is_torn_leaves_an_empty_trail() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(segment(directory.path(), 1), "{\"ev").unwrap();
    let (trail, torn) = Trail::open(settings(directory.path())).unwrap();
    assert_eq!((torn.unwrap().bytes, trail.position().sequence), (4, 0));
    encrypt(&trail, "request-1").unwrap();
    assert_eq!(verify(directory.path(), None).unwrap().events, 1);
}

#[test]
fn a_trail_does_not_go_on_from_a_last_line_that_is_none() {
    let directory = written();
    let file = segment(directory.path(), 1);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}not an event\n")).unwrap();
    assert!(matches!(Trail::open(settings(directory.path())), Err(OpenError::Foreign(at)) if at == file));
}

#[test]
fn a_trail_has_one_writer() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path());
    assert!(matches!(Trail::open(settings(directory.path())), Err(OpenError::Busy(_))));
    drop(first);
    open(directory.path());
}

#[test]
fn files_are_their_owners_only() {
    let directory = tempfile::tempdir().unwrap();
    let own = directory.path().join("audit");
    encrypt(&open(&own), "request-1").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&own), mode(&segment(&own, 1)), mode(&own.join("audit.lock"))), (0o700, 0o600, 0o600));
}

#[test]
fn a_full_segment_is_followed_by_the_next_and_the_chain_goes_through() {
    let directory = tempfile::tempdir().unwrap();
    let small = || Settings { segment_bytes: 3000, ..settings(directory.path()) };
    let (trail, _) = Trail::open(small()).unwrap();
    for number in 0..10 {
        encrypt(&trail, &format!("request-{number}")).unwrap();
    }
    drop(trail);
    let report = verify(directory.path(), None).unwrap();
    assert_eq!(report.events, 10);
    assert!(report.segments > 2);
    for number in 1..=report.segments as u64 {
        assert!(fs::metadata(segment(directory.path(), number)).unwrap().len() <= 3000);
    }

    fs::write(segment(directory.path(), report.segments as u64 + 1), "").unwrap();
    let (trail, _) = Trail::open(small()).unwrap();
    assert_eq!(trail.position(), report.last, "an empty last segment goes on where the one before ended");
    drop(trail);

    let later = verify(&segment(directory.path(), 2), None).unwrap();
    assert!(later.first > 1, "one segment alone begins later");
    fs::remove_file(segment(directory.path(), 2)).unwrap();
    let broken = verify(directory.path(), None).unwrap_err();
    assert_eq!((broken.file, broken.line), (segment(directory.path(), 3), 1));
    assert!(matches!(broken.why, Why::Removed(_)));
}

#[test]
fn a_trail_whose_old_segments_were_put_away_says_where_it_begins() {
    let directory = tempfile::tempdir().unwrap();
    let (trail, _) = Trail::open(Settings { segment_bytes: 1, ..settings(directory.path()) }).unwrap();
    for number in 0..5 {
        encrypt(&trail, &format!("request-{number}")).unwrap();
    }
    fs::remove_file(segment(directory.path(), 1)).unwrap();
    fs::remove_file(segment(directory.path(), 2)).unwrap();
    let report = verify(directory.path(), None).unwrap();
    assert_eq!((report.segments, report.events, report.first, report.last.sequence), (3, 3, 3, 5));
}

#[test]
fn without_room_requests_are_refused_and_the_trail_later_says_what_it_lacks() {
    let directory = tempfile::tempdir().unwrap();
    let trail = open(directory.path());
    encrypt(&trail, "request-1").unwrap();
    for room in [0, 1, 200] {
        trail.fill(Some(room));
        assert_eq!(encrypt(&trail, "request-2").unwrap_err().code, Code::KMSInternalException);
        assert!(trail.ready().is_err(), "nothing is begun that can't be told of");
    }
    assert_eq!(trail.lost(), 3);
    assert_eq!(lines(directory.path()).len(), 1, "nothing of what did not fit is left");
    trail.fill(None);
    assert!(trail.ready().is_ok());
    encrypt(&trail, "request-3").unwrap();
    let events: Vec<Value> =
        lines(directory.path()).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 3);
    assert_eq!(events[1]["eventName"], "AuditTrailResumed");
    assert_eq!(events[1]["serviceEventDetails"]["lostEvents"], 3);
    assert_eq!(verify(directory.path(), None).unwrap().last, trail.position());
}

#[test]
fn without_room_requests_go_on_where_the_setting_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let lenient = Settings { unwritable: Unwritable::Continue, ..settings(directory.path()) };
    let (trail, _) = Trail::open(lenient).unwrap();
    trail.fill(Some(10));
    assert!(encrypt(&trail, "request-1").is_ok() && trail.ready().is_ok());
    assert_eq!(trail.lost(), 1);
    trail.fill(None);
    encrypt(&trail, "request-2").unwrap();
    assert_eq!(verify(directory.path(), None).unwrap().events, 2, "the gap is told before the next event");
}

#[test]
fn events_of_many_threads_are_one_chain() {
    let directory = tempfile::tempdir().unwrap();
    let small = Settings { segment_bytes: 20_000, ..settings(directory.path()) };
    let trail = Arc::new(Trail::open(small).unwrap().0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let trail = Arc::clone(&trail);
            scope.spawn(move || {
                for number in 0..50 {
                    encrypt(&trail, &format!("{thread}-{number}")).unwrap();
                    trail.flush().unwrap();
                }
            });
        }
    });
    trail.sync().unwrap();
    let report = verify(directory.path(), None).unwrap();
    assert_eq!((report.events, report.last), (200, trail.position()));
}
