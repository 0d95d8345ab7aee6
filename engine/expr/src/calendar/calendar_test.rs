use super::*;

#[test]
fn days_and_dates_are_each_others_inverse() {
    let known = [
        (0, (1970, 1, 1)),
        (-1, (1969, 12, 31)),
        (18_263, (2020, 1, 2)),
        (11_016, (2000, 2, 29)),
        (-719_162, (1, 1, 1)),
        (2_932_896, (9999, 12, 31)),
    ];
    for (day, (year, month, day_of_month)) in known {
        let date = Date::new(year, month, day_of_month).unwrap();
        assert_eq!(date.day(), day);
        assert_eq!(Date::from_day(day), date);
    }
    let mut previous = Date::from_day(-800_000);
    for day in -799_999..800_000 {
        let date = Date::from_day(day);
        assert!(date > previous && date.day() == day, "{day}");
        previous = date;
    }
}

#[test]
fn dates_know_their_place_in_week_and_year() {
    // (date, iso weekday, day of year, iso year, iso week, quarter)
    let cases = [
        ((2020, 1, 5), 7, 5, 2020, 1, 1),
        ((2021, 1, 1), 5, 1, 2020, 53, 1),
        ((2020, 12, 31), 4, 366, 2020, 53, 4),
        ((2018, 12, 31), 1, 365, 2019, 1, 4),
        ((1969, 12, 31), 3, 365, 1970, 1, 4),
        ((2020, 5, 14), 4, 135, 2020, 20, 2),
    ];
    for ((year, month, day), weekday, day_of_year, iso_year, iso_week, quarter) in cases {
        let date = Date::new(year, month, day).unwrap();
        assert_eq!(date.iso_weekday(), weekday, "{date:?}");
        assert_eq!(date.day_of_year(), day_of_year, "{date:?}");
        assert_eq!(date.iso_week(), (iso_year, iso_week), "{date:?}");
        assert_eq!(date.quarter(), quarter, "{date:?}");
    }
}

#[test]
fn units_round_toward_the_past() {
    let half_before = Moment::new(-1, 500_000_000);
    assert_eq!(half_before.to_unit(TimeUnit::Second), Some(-1));
    assert_eq!(half_before.to_unit(TimeUnit::Millisecond), Some(-500));
    assert_eq!(Moment::from_unit(-500, TimeUnit::Millisecond), half_before);
    assert_eq!(half_before.day(), -1);
    assert_eq!(half_before.clock(), Clock::new(23, 59, 59, 500_000_000).unwrap());
    for value in [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX] {
        for unit in [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond] {
            assert_eq!(Moment::from_unit(value, unit).to_unit(unit), Some(value), "{value} {unit:?}");
        }
    }
    assert_eq!(Moment::from_unit(i64::MAX, TimeUnit::Second).to_unit(TimeUnit::Nanosecond), None);
}

#[test]
fn months_are_added_as_people_do() {
    let cases = [
        ((2020, 1, 31), 1, (2020, 2, 29)),
        ((2019, 1, 31), 1, (2019, 2, 28)),
        ((2020, 3, 31), -1, (2020, 2, 29)),
        ((2020, 12, 15), 1, (2021, 1, 15)),
        ((2020, 1, 15), -1, (2019, 12, 15)),
        ((2020, 2, 29), 12, (2021, 2, 28)),
        ((2020, 2, 29), -48, (2016, 2, 29)),
    ];
    for ((y, m, d), months, (ey, em, ed)) in cases {
        let result = Date::new(y, m, d).unwrap().plus_months(months);
        assert_eq!(result, Date::new(ey, em, ed).unwrap(), "{y}-{m}-{d} + {months}");
    }
    assert_eq!(Moment::new(0, 0).plus_nanos(-1), Moment::new(-1, 999_999_999));
    assert_eq!(Moment::new(0, 999_999_999).plus_nanos(2), Moment::new(1, 1));
}

#[test]
fn dates_are_read_as_flink_reads_them() {
    let cases = [
        ("2020-01-02", Some("2020-01-02")),
        ("2020-1-2", Some("2020-01-02")),
        (" 2020-01-02 ", Some("2020-01-02")),
        ("2020-01-02 03:04:05", Some("2020-01-02")),
        ("2020-01", Some("2020-01-01")),
        ("2020", Some("2020-01-01")),
        ("1", Some("0001-01-01")),
        ("2020-02-30", None),
        ("2020-13-01", None),
        ("2020-01-02T03:04:05", None),
        ("20200102", None),
        ("12345-01-02", None),
        ("2020/01/02", None),
        ("2020-01-02-03", None),
        ("", None),
        ("abc", None),
    ];
    for (text, expected) in cases {
        let read = parse_date(text).map(|date| {
            let mut out = String::new();
            date.write(&mut out);
            out
        });
        assert_eq!(read.as_deref(), expected, "{text:?}");
    }
}

#[test]
fn clocks_are_read_as_flink_reads_them() {
    let cases = [
        ("03:04:05", Some("03:04:05.000")),
        ("3:4:5", Some("03:04:05.000")),
        ("03:04", Some("03:04:00.000")),
        ("1", Some("01:00:00.000")),
        ("03:04:05.678", Some("03:04:05.678")),
        ("03:04:05.6", Some("03:04:05.600")),
        ("25:00:00", None),
        ("03:60:00", None),
        ("03:04:60", None),
        ("03:04.5", None),
        ("2020-01-02 03:04:05", None),
        ("", None),
    ];
    for (text, expected) in cases {
        let read = parse_clock(text).map(|clock| {
            let mut out = String::new();
            clock.write(3, &mut out);
            out
        });
        assert_eq!(read.as_deref(), expected, "{text:?}");
    }
}

#[test]
fn timestamps_are_read_as_flink_reads_them() {
    let cases = [
        ("2020-01-02", Some("2020-01-02 00:00:00.000")),
        ("2020-1-2 3:4:5", Some("2020-01-02 03:04:05.000")),
        ("2020-01-02 03:04:05.6789", Some("2020-01-02 03:04:05.678")),
        ("2020-01-02 03:04:05.123456789", Some("2020-01-02 03:04:05.123")),
        ("2020-02-30 00:00:00", Some("2020-02-29 00:00:00.000")),
        ("2020-01-02 24:00:00", Some("2020-01-03 00:00:00.000")),
        ("0001-01-01 00:00:00", Some("0001-01-01 00:00:00.000")),
        ("2020-01-02 03:04:05.1234567890", None),
        ("2020-01-02 03:04", None),
        ("2020-01-02 03", None),
        ("2020-01-02 03:04:60", None),
        ("2020-01-02 25:04:05", None),
        ("2020-02-32 00:00:00", None),
        ("2020-01-02T03:04:05", None),
        ("2020-01-02 03:04:05 UTC", None),
        ("2020-01-02 03:04:05+02:00", None),
        (" 2020-01-02 03:04:05 ", None),
        ("2020-01", None),
        ("", None),
    ];
    for (text, expected) in cases {
        let read = parse_timestamp(text).map(|moment| {
            let mut out = String::new();
            moment.date().write(&mut out);
            out.push(' ');
            moment.clock().write(3, &mut out);
            out
        });
        assert_eq!(read.as_deref(), expected, "{text:?}");
    }
}
