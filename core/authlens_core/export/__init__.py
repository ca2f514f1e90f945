"""The record made safe to show and to hand on."""
