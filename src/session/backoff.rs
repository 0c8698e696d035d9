//! How long to wait before the next attempt to connect.

use std::time::Duration;

use super::config::Reconnection;

/// 2^62 times any delay is past every maximum; the official client grows to infinity and then waits 0 ms.
const MAX_DOUBLINGS: u32 = 62;

/// Delays between attempts, computed as socket.io-client does:
///
/// ```text
/// ms = delay * 2^attempts
/// d  = floor(random * randomization_factor * ms)
/// ms = floor(random * 10) is even ? ms - d : ms + d
/// delay = floor(min(ms, delay_max))
/// ```
///
/// The cap comes after the jitter, so delays at the cap are not jittered.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// Attempts since the last reset.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The delay before the next attempt, or `None` when reconnection is off or the attempts are used up.
    ///
    /// `random` lies in 0..1 and decides both the size and the sign of the jitter.
    pub fn next_delay(&mut self, settings: &Reconnection, random: f64) -> Option<Duration> {
        if !self.has_next(settings) {
            return None;
        }
        let doublings = self.attempts.min(MAX_DOUBLINGS);
        self.attempts = self.attempts.saturating_add(1);

        let base = settings.delay.as_secs_f64() * 1000.0 * 2_f64.powi(doublings.cast_signed());
        let deviation = (random * settings.randomization_factor * base).floor();
        let is_shorter = (random * 10.0).floor() % 2.0 == 0.0;
        let jittered = if is_shorter { base - deviation } else { base + deviation };
        let capped = jittered.min(settings.delay_max.as_secs_f64() * 1000.0).max(0.0).floor();
        Some(Duration::try_from_secs_f64(capped / 1000.0).unwrap_or(settings.delay_max))
    }

    /// Whether another attempt may follow.
    pub fn has_next(&self, settings: &Reconnection) -> bool {
        settings.is_enabled && settings.attempts.is_none_or(|limit| self.attempts < limit)
    }

    /// Starts over, after a success.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_stay_within_the_bounds_of_the_official_client() {
        // (label, attempt from 0, lowest ms, highest ms); measured from socket.io-client 4.8 with its defaults
        let table = [
            ("first", 0, 550, 1500),
            ("second", 1, 1100, 3000),
            ("third", 2, 2200, 5000),
            ("fourth", 3, 4400, 5000),
            ("fifth", 4, 5000, 5000),
            ("attempt 5000", 5000, 5000, 5000),
        ];
        let mut rng = fastrand::Rng::with_seed(7);
        for (label, attempt, low, high) in table {
            for _ in 0..2000 {
                let mut backoff = Backoff { attempts: attempt };
                let delay = backoff.next_delay(&Reconnection::default(), rng.f64()).unwrap();
                assert!(delay >= Duration::from_millis(low), "{label}: {delay:?}");
                assert!(delay <= Duration::from_millis(high), "{label}: {delay:?}");
            }
        }
    }

    #[test]
    fn one_random_number_decides_size_and_sign() {
        // (label, random, ms): floor(random * 10) even shortens, odd lengthens
        let table =
            [("even digit", 0.44, 780), ("odd digit", 0.55, 1275), ("no jitter", 0.0, 1000)];
        for (label, random, expected) in table {
            let delay = Backoff::default().next_delay(&Reconnection::default(), random);
            assert_eq!(delay, Some(Duration::from_millis(expected)), "{label}");
        }
    }

    #[test]
    fn stops_after_the_allowed_attempts_and_starts_over_after_a_reset() {
        let settings = Reconnection { attempts: Some(2), ..Reconnection::default() };
        let mut backoff = Backoff::default();
        assert!(backoff.next_delay(&settings, 0.5).is_some());
        assert!(backoff.next_delay(&settings, 0.5).is_some());
        assert_eq!(backoff.next_delay(&settings, 0.5), None);
        backoff.reset();
        assert!(backoff.next_delay(&settings, 0.5).is_some());
    }

    #[test]
    fn never_waits_when_reconnection_is_off() {
        let settings = Reconnection { is_enabled: false, ..Reconnection::default() };
        assert_eq!(Backoff::default().next_delay(&settings, 0.5), None);
    }
}
