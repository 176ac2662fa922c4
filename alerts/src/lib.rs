//! Alerts: overlapping flags of an app become one alert, whose changes are told once.
