"""A local SMS carrier that speaks Twilio's REST API and webhooks."""
