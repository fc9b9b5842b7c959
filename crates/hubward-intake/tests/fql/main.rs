//! The trigger language from outside.

mod reading;
