"""The studio: staff dial an extension and record prompts, guided by a voice.

`talk` decides what happens next and knows no wire (`acts` are its words); `conversation` carries it out on a
call; `desk` knows the store and the recordings; `server` takes calls from the exchange; `service` is what the
daemon runs. `shelf` is for whoever looks after the prompts without a telephone.
"""
