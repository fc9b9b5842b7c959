//! The trigger language from outside.

mod agreement;
mod deciding;
mod original;
mod reading;
mod why;
