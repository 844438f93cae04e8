//! The axes of the shortener's own.

design::axis! {
    /// Where does a new link's code come from?
    pub enum Codes = "codes" {
        Random = "random" => "drawn at random; a collision is met by another draw",
        Counter = "counter" => "a counter in the store, reserved in blocks, scrambled one to one",
        Hash = "hash" => "the first bytes of a SHA-256 of target and request key",
    }
}

design::axis! {
    /// How far away is the store of the links?
    pub enum Distance = "distance" {
        Near = "near" => "as near as it really is",
        Far = "far" => "each read takes 20 ms longer and holds one of 8 connections meanwhile (simulated)",
    }
}
