//! The generator: makes the traffic of an imagined app's users, and knows the truth about it.
