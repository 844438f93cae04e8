//! The axis of the echo's own.

design::axis! {
    /// Is an echo paid for?
    pub enum Tolls = "tolls" {
        None = "none" => "echoes are free",
        Provider = "provider" => "a payment provider is there, and watched" needs Provider,
    }
}
