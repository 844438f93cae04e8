//! Whether response times grow over a slice: the sign of a queue.

/// The least-squares line through the response times by when their operations were due.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Trend {
    count: f64,
    mean_x: f64,
    mean_y: f64,
    /// Sums of squares and products of what differs from the means, kept as Welford does.
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Trend {
    pub(super) fn add(&mut self, x: f64, y: f64) {
        self.count += 1.0;
        let (dx, dy) = (x - self.mean_x, y - self.mean_y);
        self.mean_x += dx / self.count;
        self.mean_y += dy / self.count;
        self.xx += dx * (x - self.mean_x);
        self.xy += dx * (y - self.mean_y);
        self.yy += dy * (y - self.mean_y);
    }

    pub(super) fn mean(&self) -> f64 {
        self.mean_y
    }

    /// By how much `y` grows with `x`; 0 where that is not more than chance: within three standard errors, of which
    /// fewer than three points have none.
    pub(super) fn slope(&self) -> f64 {
        let explained = self.xy * self.xy / self.xx;
        let error = (self.yy - explained).max(0.0) / (self.count - 2.0);
        if self.count > 2.0 && self.xy > 0.0 && explained > 9.0 * error { self.xy / self.xx } else { 0.0 }
    }
}
