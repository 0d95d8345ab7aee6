use super::*;
use crate::calendar::Moment;

#[test]
fn a_pattern_reads_what_it_writes() {
    let patterns = [
        "yyyy-MM-dd HH:mm:ss.SSSSSSSSS",
        "yyyyMMddHHmmssSSS",
        "d.M.y H:m:s.SSS",
        "EEEE, d MMMM yyyy hh:mm:ss.SSS a",
        "EEE MMM dd kk:mm:ss.SSS yyyy",
        "yyyy-DDD HH:mm:ss.SSS",
        "'day' dd 'o''clock' HH mm ss SSS MM yy",
    ];
    // 2020-02-29 23:59:58.987 and 2001-12-01 00:00:00
    let moments = [Moment::new(1_583_020_798, 987_000_000), Moment::new(1_007_164_800, 0)];
    for pattern in patterns {
        let parsed = Pattern::parse(pattern).unwrap();
        for moment in moments {
            let mut text = String::new();
            parsed.write(moment, &mut text).unwrap();
            let read = parsed.read(&text).and_then(|fields| fields.moment());
            assert_eq!(read, Some(moment), "{pattern} wrote {text}");
        }
    }
}

#[test]
fn offsets_are_read_but_never_shown() {
    let pattern = Pattern::parse("HH:mmX").unwrap();
    for (text, offset) in
        [("10:00Z", 0), ("10:00+02", 7_200), ("10:00-0530", -19_800), ("10:00+02:00", 7_200)]
    {
        assert_eq!(pattern.read(text).and_then(|fields| fields.offset), Some(offset), "{text}");
    }
    assert_eq!(pattern.read("10:00"), None);
    assert!(pattern.write(Moment::new(0, 0), &mut String::new()).is_err());
}

#[test]
fn values_out_of_range_are_no_time() {
    let cases = [
        ("HH", "24"),
        ("HH", "99"),
        ("mm", "60"),
        ("MM", "13"),
        ("MM", "0"),
        ("dd", "32"),
        ("yyyy-DDD", "2021-366"),
        ("DDD", "0"),
        ("hh a", "13 PM"),
        ("hh a", "10 XM"),
        ("MMM", "Foo"),
        ("yyyy", "20"),
        ("yyyy", "99999999999999999999"),
        ("dd", "ä"),
    ];
    for (pattern, text) in cases {
        let read = Pattern::parse(pattern).unwrap().read(text).and_then(|fields| fields.moment());
        assert_eq!(read, None, "{text} by {pattern}");
    }
}

#[test]
fn bad_patterns_are_named() {
    assert_eq!(Pattern::parse("yyyy 'open"), Err("the pattern 'yyyy 'open' has an open '".to_string()));
    assert_eq!(
        Pattern::parse("yyyy b"),
        Err("the letter 'b' of the pattern 'yyyy b' is not supported".to_string())
    );
}

#[test]
fn many_patterns_do_not_fill_the_memory() {
    for number in 0..500 {
        let pattern = Pattern::cached(&format!("yyyy '{number}'")).unwrap();
        assert!(pattern.read(&format!("2020 {number}")).is_some());
    }
}

#[test]
fn what_was_written_last_is_written_again_only_while_it_is_the_same() {
    let letters: Vec<String> = "yYQMwWDdEeaHkKhmsSn".chars().map(|letter| letter.to_string()).collect();
    let wide =
        ["yyyy-MM-dd", "HH:mm", "MMM d 'at' h a", "yyyy-MM-dd HH:mm:ss.SSS", "'none'"].map(String::from);
    for pattern in letters.into_iter().chain(wide) {
        let pattern = Rc::new(Pattern::parse(&pattern).unwrap());
        let mut written = LastWritten::default();
        // Around the ends of a second, a minute, an hour, a day, a week and a year, before and after 1970.
        for start in [-86_401, -61, -1, 58, 3_598, 86_398, 345_598, 1_577_836_798] {
            for half_seconds in [0, 1, 2, 3, 4, 5, 120, 121, 7_200, 172_800, 4, 0] {
                let moment = Moment::new(start + half_seconds / 2, (half_seconds % 2) as u32 * 500_000_000);
                let (mut expected, mut out) = (String::new(), String::new());
                pattern.write(moment, &mut expected).unwrap();
                written.write(&pattern, moment, &mut out).unwrap();
                assert_eq!(out, expected, "{moment:?} by {pattern:?}");
            }
        }
    }
}
