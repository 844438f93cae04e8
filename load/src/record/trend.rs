//! The trend of response times over a slice: growth is the sign of a queue.

/// A least-squares line through the response times over the due times.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trend {
    count: f64,
    mean_x: f64,
    mean_y: f64,
    /// Sums of squares and products of the deviations from the means, updated by Welford's method.
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

    /// The slope; 0 if it is negative or within three standard errors of zero. Fewer than three points have no standard
    /// error.
    pub(super) fn slope(&self) -> f64 {
        let explained = self.xy * self.xy / self.xx;
        let error = (self.yy - explained).max(0.0) / (self.count - 2.0);
        if self.count > 2.0 && self.xy > 0.0 && explained > 9.0 * error { self.xy / self.xx } else { 0.0 }
    }
}
