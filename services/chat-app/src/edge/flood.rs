//! How many messages and read markers one connection may send: a token bucket.

use std::time::Duration;

use tokio::time::Instant;

/// Messages in a second, in the long run; more than anybody types.
const RATE: f64 = 50.0;
/// Messages at once.
const BURST: f64 = 100.0;
/// How many messages beyond that a client may send although it was told each time to wait; each that is in time makes up for
/// one.
const PATIENCE: u32 = 100;

/// What one connection may still send.
#[derive(Debug)]
pub(super) struct Bucket {
    tokens: f64,
    at: Instant,
    ignored: u32,
}

impl Default for Bucket {
    fn default() -> Self {
        Self { tokens: BURST, at: Instant::now(), ignored: 0 }
    }
}

impl Bucket {
    /// Takes one message; otherwise when to send it again, or `None` once the client has been told so too often.
    pub(super) fn take(&mut self) -> Result<(), Option<Duration>> {
        let now = Instant::now();
        self.tokens = (self.tokens + (now - self.at).as_secs_f64() * RATE).min(BURST);
        self.at = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            self.ignored = self.ignored.saturating_sub(1);
            return Ok(());
        }
        self.ignored += 1;
        let wait = Duration::from_secs_f64((1.0 - self.tokens) / RATE);
        // In whole milliseconds, and not before there is room.
        Err((self.ignored <= PATIENCE).then(|| wait + Duration::from_millis(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_as_long_as_told_may_go_on_and_who_does_not_is_closed() {
        let mut bucket = Bucket::default();
        for _ in 0..100 {
            assert_eq!(bucket.take(), Ok(()));
        }
        let wait = bucket.take().unwrap_err().unwrap();
        assert_eq!(wait, Duration::from_millis(21));
        tokio::time::advance(wait).await;
        assert_eq!(bucket.take(), Ok(()));
        for _ in 0..100 {
            assert!(matches!(bucket.take(), Err(Some(_))));
        }
        assert_eq!(bucket.take(), Err(None));
        tokio::time::advance(Duration::from_mins(1)).await;
        for _ in 0..100 {
            assert_eq!(bucket.take(), Ok(()));
        }
    }
}
