"""Autologging: fits of known libraries become runs by themselves. ``api`` turns it on, one file knows each library."""
