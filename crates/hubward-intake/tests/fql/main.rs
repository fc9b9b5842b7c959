//! The trigger language from outside.

mod deciding;
mod original;
mod reading;
