//! The time of day, for people: UTC as RFC 3339.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, for example `2026-11-22T16:14:49Z`.
pub fn utc_now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    rfc_3339(since.map_or(0, |duration| duration.as_secs()))
}

/// Date from days: Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
fn rfc_3339(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The seconds from 1970 to a moment that [`utc_now`] wrote; `None` for any other text.
/// Days from date: as above, `days_from_civil`.
pub fn seconds_since_1970(moment: &str) -> Option<u64> {
    let number = |from: usize, to: usize| moment.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let year = year.checked_sub(u64::from(month <= 2))?;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.checked_sub(1)?;
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = (era * 146_097 + day_of_era).checked_sub(719_468)?;
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second;
    (rfc_3339(seconds) == moment).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference: `date -u -d @<seconds> +%FT%TZ` of GNU coreutils.
    #[test]
    fn seconds_become_dates() {
        assert_eq!(rfc_3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc_3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc_3339(1_795_364_089), "2026-11-22T16:14:49Z");
        assert_eq!(rfc_3339(4_107_542_399), "2100-02-28T23:59:59Z");
    }

    #[test]
    fn dates_become_the_seconds_that_they_were_made_of() {
        for seconds in [0, 951_782_400, 1_795_364_089, 4_107_542_399] {
            assert_eq!(seconds_since_1970(&rfc_3339(seconds)), Some(seconds));
        }
        for wrong in ["", "2026-02-30T00:00:00Z", "2026-11-22 16:14:49", "1969-12-31T23:59:59Z", "yesterday", "９"] {
            assert_eq!(seconds_since_1970(wrong), None, "{wrong}");
        }
    }
}
