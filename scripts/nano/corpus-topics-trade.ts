// More topics, in the notation of corpus-topics-home.ts: shops and software, in other words than the sample desk's.

export const TRADE_TOPICS = `
== clothing shop: Tweed Lane, Birch Wardrobe, Loom House
size / fitting > find the right size
- I take a {n} in trousers, is yours small?
- The sleeves end above my wrist.
- Between medium and large, what do you say?
- It sits well but pinches under the arms.
swap / exchange > swap for another size
- Could I have it one size up instead?
- I'd rather take the {colour} coat.
- Please trade the boots for a {n}.
- The dress goes back in the post, send me the longer one.
fabric / care > ask about the fabric
- Can I wash the wool at thirty?
- Is there plastic in the {colour} jumper?
- It lost its colour in the first wash.
- My skin itches, what is it made of?
money owed / reimbursement > get money paid back
- I brought the coat to your shop and still wait for the {amount}.
- You kept the postage, that is mine.
- When do you put the money on my card again?
- I would sooner have cash than a coupon.
parcel / shipping > find a parcel
- The van went past our house and did not stop.
- According to the page my shirts are in {city}.
- My parcel has been on the road for {n} days.
- A neighbour at number {n} took the box, which one?

== bookshop: Paper Boat Books, Foxglove Books, Inkwell
recommendation / advice > recommend a book
- What would a girl of {n} like who loves {animal}s?
- I look for a novel that is set in {city}.
- Something light for the beach, please.
- Which book would you give a man who has all of them?
out of print / rare > find a rare book
- Can you find the first edition by {name}?
- It has been out of print since my school days.
- Do you buy old atlases?
- I search for a book with a {colour} cover about the sea.
wrong copy / mix up > get the right book
- I asked for volume {n} and there is another in the wrapping.
- Pages {n} to {n} are blank.
- You packed a cook book, I wanted the poems.
- It is the right title in the wrong language.
reading / author evening > come to a reading
- Are there seats left for the reading on {day}?
- Will {name} sign my copy?
- Does the evening cost anything?
- Could you record it for those who live far off?
gift wrap / present > have a book wrapped
- Please wrap it in {colour} paper.
- Can you put in a card that says get well?
- It is for {person}, leave the price off.
- Send it straight to {name} in {city}.

== furniture shop: Oak and Pine, Nordhus, Cosy Corner
assembly / instructions > put a piece together
- Step {n} shows a screw that I do not have.
- The door hangs crooked whatever I turn.
- Which side of the board is up?
- Do you send somebody who builds the wardrobe?
missing part / parts > get a missing part
- There are only {n} feet for the sofa.
- The bag with the screws was not in the carton.
- One shelf is not there.
- The glass of the cupboard was left out.
broken goods / faulty goods > complain about a broken piece
- The table top has a split from end to end.
- The drawer came off in my hand after a week.
- The sofa sinks in on one side.
- The lamp of the mirror went dark on the second day.
measurements / dimensions > ask for measurements
- How deep is the {colour} cupboard?
- Does the bed go through a door of {n} centimetres?
- How high is the seat?
- What weight does the shelf hold?
carrying / haulage > agree a time for the lorry
- Do your men carry it up to the {n}th floor?
- Which morning does the lorry come to {city}?
- The lorry cannot turn in our lane.
- They rang at seven, we had said {time}.

== grocery: Daily Basket, Fresh Cart, Corner Pantry
replacement item / substitute > complain about a substitute
- I wanted oat milk and got cream.
- Do not put in something else without asking.
- The {dish} was swapped for one with meat.
- Instead of six eggs there were six lemons.
freshness / spoiled > report spoiled food
- The strawberries were grey underneath.
- The yoghurt was past its day.
- The fish smelled when I opened it.
- The bread is hard as a stone.
time slot / slot > choose a time
- All the slots on {day} are gone.
- Can you come before {time}?
- I sat from four to six for nothing.
- Is there a way to have the same hour every week?
deposit / bottles > get the bottle deposit
- I gave back {n} bottles and see no credit.
- Where is the deposit for the crate?
- Your man would not take the empties.
- The receipt counts {n} bottles too few.
coupon / offer > use a coupon
- The coupon of {amount} did nothing.
- The butter was on offer and I paid in full.
- May I use two coupons?
- My points vanished in {month}.

== software maker: Tally Sheets, Notewise, Formly
licence / seats > get more licences
- We are {n} in the office now and one cannot start it.
- The key you mailed is said to be used.
- May I install it at home as well?
- Our licence ended in {month} and nobody told us.
import / export > move files in or out
- How do I get {n} rows from the old program into yours?
- The columns are shifted after the import.
- I want everything out as plain text.
- Letters with dots become question marks.
glitch / crash > report a glitch
- It closes by itself when I print.
- Saving takes a minute and then nothing is saved.
- A grey box covers the menu since {day}.
- Undo brings back the wrong page.
sign in / credentials > sign in again
- It tells me that my name is not known.
- The little numbers on my phone are refused.
- {name} has left and took the master login along.
- I typed it three times and now I am shut out.
feature wish / suggestion > suggest a feature
- It would be lovely to sort by colour.
- Please add a way to count words.
- Could the table have {n} columns more?
- Every other program can do it, yours should too.
invoice copy / paperwork > get a paper for the books
- Our tax man needs last year's papers.
- The bill has the street of our old office.
- Two bills bear the same number.
- Would you put our order number on the bill?

== games studio: Lantern Games, Pixel Harbour, Moss Games
lost progress / save > get the progress back
- I was at level {n} and start from nothing.
- My castle is gone since the new phone.
- {person} deleted my farm, can you bring it back?
- The save from {day} does not open.
cheating / unfair player > report a player
- A player called {name} runs through walls.
- Somebody says ugly things in the chat.
- He wins in two seconds, that cannot be.
- They take turns to lose on purpose.
purchase / coins > get bought coins
- I bought {n} coins and got none.
- {person} spent {amount} without asking me.
- The {colour} sword that I paid for is not in the bag.
- Why are the gems dearer today?
ban / blocked player > lift a ban
- I am banned and did nothing.
- How long does my ban last?
- My brother swore, not me.
- It says I may not play until {month}.
controls / controller > change the controls
- Left and right are the wrong way round.
- My pad from {company} is not seen.
- Can I play with one hand?
- The jump comes too late after I press.

== pet shop: Paws and Claws, Happy Tails, The Birdhouse
feeding / pet food > ask about pet food
- What does a {animal} of {n} weeks eat?
- My {animal} leaves the new food.
- Is there something for an old {animal} with few teeth?
- How much a day for a {animal}?
illness / sick pet > ask about a sick pet
- My {animal} sneezes and hides.
- The {animal} scratches its ear until it bleeds.
- It has not eaten since {day}.
- The {animal} swallowed a {colour} button.
cage / housing > ask about a home for a pet
- How big should the cage of a {animal} be?
- Which sand do I put in?
- The tank leaks at one corner.
- May two {animal}s live together?
grooming / fur > book a haircut for a pet
- Do you cut the claws of a {animal}?
- Her fur is full of knots.
- A bath and a trim on {day}, please.
- He bites when he sees scissors.
adoption / new pet > adopt a pet
- Is the {colour} {animal} in the window still free?
- We have a garden and would like a {animal}.
- What do you want to know before we take a {animal}?
- Can a {animal} live with a {animal}?

== ticket office: Stage Door, Arena Tickets, Lyric Box Office
seats / places > ask about seats
- Can one see the stage from row {n}?
- Are {n} places side by side still free on {day}?
- I need room for a wheelchair.
- We sit apart although I chose the same row.
cancelled show / new date > ask about a cancelled show
- The singer is ill, what about my tickets?
- When is the new date?
- I drove to {city} and the doors were shut.
- Does my ticket hold for the new evening?
ticket not received / print > get a ticket
- There is no ticket in my mail.
- The code is cut off on paper.
- Can {person} show the ticket on the phone?
- I deleted the mail with the tickets.
resale / give away > pass on a ticket
- I cannot go on {day}, who takes my ticket?
- Is it allowed to sell it to a friend?
- Put {name} on the ticket instead of me.
- May I give two of {n} back?
doors / entrance > ask about the entrance
- When do the doors open?
- May I bring a bag and a bottle?
- Which entrance is for block {n}?
- How old must {person} be to come in?

== moving firm: Two Brothers Moving, Lift and Go, Box and Van
price / estimate > get a price for a move
- {n} rooms from {city} to {city}, what does it cost?
- Is packing part of the price?
- Why is it {amount} more than you said?
- Do you ask more for a piano?
date / moving day > fix the moving day
- Would {day} at {time} suit you?
- The new flat is not ready, can we wait a week?
- Your men came a day early.
- How many hours will it take?
breakage / scratched > report a breakage
- The {colour} vase is in pieces.
- They scratched the floor of the hall.
- My bike has a bent wheel since the move.
- One box with glass was dropped.
boxes / packing > get boxes
- Bring {n} boxes and some paper, please.
- Where can I leave the empty boxes?
- Are there boxes for hanging clothes?
- The bottom fell out of three of them.
storage / store > store things
- May we leave a sofa with you until {month}?
- I need to get at my boxes on {day}.
- Is the store dry in winter?
- What do {n} square metres cost?
`
