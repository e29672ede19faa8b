"""Say exactly when: how far must a control reach to keep production from moving out of it?"""

from highfence.study.regions import region, thresholds

game = "offshoring"

stays = region(game, {"location": "stay"}, ["pi_CN", "F", "j_product"], regime="product")
print(f"Under a product rule, the incumbent stays if and only if {stays.condition()},")
print(f"that is, if the rule's reach is {stays.solved_for('j_product')[0]}.")

today = thresholds(game, "j_product", regime="product")
print(f"With the declared profits and costs the reach must be {float(today.values[0]):g}.")

chosen = region(game, {"rule": "product", "location": "stay"}, j_parts="0.4")
print("The restricting state itself chooses such a rule, and production stays, if and only if")
print(f"  {chosen.condition(ties=False)}")
print(f"for example at {', '.join(f'{n} = {float(v):g}' for n, v in chosen.witness.items())}.")
