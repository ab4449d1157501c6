"""How fast faststyle is on this machine: what ``faststyle benchmark`` runs in a clone."""
