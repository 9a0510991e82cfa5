"""How near a student is to its teacher on prompts that it has not learnt from."""
